"""Read the ledger from the store, with an audit of the data itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from ioc.model.fault import Fault
from ioc.model.ledger import Gap, Ledger, LogView, Loss, LossCause, PartitionAccount, SourceAccount, Stall
from ioc.model.source import SourceState
from ioc.store.audit import audit
from ioc.store.times import aware
from ioc.topics import OUTPUT_OF, partition_of

GAP_ALLOWED = timedelta(seconds=5)

LOSS_CODES: Mapping[str, str] = {
    LossCause.INPUTS_EXPIRED: "inputs_expired",
    LossCause.TOPIC_RECREATED: "topic_recreated",
    LossCause.LOG_CUT: "log_cut",
    LossCause.OUTPUT_UNREADABLE: "output_unreadable",
}
"""The message code of each cause."""


def read_ledger(cursor: duckdb.DuckDBPyConnection, view: LogView, states: Iterable[SourceState]) -> Ledger:
    """Return the ledger at one moment: everything is read in one transaction.

    `view` is the historian's (`Historian.log_view`); `states` are the sources' own reports, which say what a connector
    accepted that the store does not have yet.
    """
    states = list(states)
    cursor.execute("BEGIN")
    try:
        rows = cursor.execute(
            "SELECT source, topic, generation, received, generation_received, applied, duplicate, fenced, replayed, "
            "last_input_at, fenced_records FROM source_ledger ORDER BY source, topic"
        ).fetchall()
        fenced = cursor.execute(
            "SELECT source, generation, sum(fenced_records) FROM source_counts WHERE fenced_records > 0 GROUP BY ALL"
        ).fetchall()
        rejections = cursor.execute(
            "SELECT source, reason, sum(n)::BIGINT FROM source_rejections GROUP BY ALL"
        ).fetchall()
        applied = cursor.execute("SELECT topic, partition, next_offset FROM next_offsets").fetchall()
        losses = [
            Loss(topic, partition, first, end, why, aware(at))
            for topic, partition, first, end, why, at in cursor.execute(
                "SELECT topic, partition, from_offset, to_offset, why, found_at FROM losses ORDER BY found_at DESC"
            ).fetchall()
        ]
        faults = [Fault.of("rows_miscounted", view.at, reason=sentence) for sentence in audit(cursor)]
    finally:
        cursor.execute("ROLLBACK")
    next_offsets = {(topic, partition): offset for topic, partition, offset in applied}
    sources, missing = _sources(rows, rejections, {state.source: state for state in states}, view, next_offsets)
    faults += [_unbalanced(source, view.at) for source in sources if not source.balances]
    faults += missing
    faults += _fenced_writers(fenced, {state.source: state for state in states}, view.at)
    faults += faults_of_view(view)
    faults += [_lost(loss) for loss in losses if loss.to_offset > loss.from_offset]
    return Ledger(tuple(sources), _partitions(view, next_offsets), tuple(losses), tuple(faults))


def faults_of_view(view: LogView) -> list[Fault]:
    """Return faults that the log alone shows.

    These are inputs without an output while later ones have one, and stalled partitions.
    """
    gaps = [
        Fault.of("output_missing", gap.since, **_inputs(gap)) for gap in view.gaps if view.at - gap.since > GAP_ALLOWED
    ]
    with_gap = {(gap.topic, gap.partition) for gap in view.gaps}
    return gaps + [
        Fault.of(
            "partition_stalled",
            stall.since,
            **_inputs(stall),
            waiting=stall.to_offset - stall.from_offset,
            seconds=round((view.at - stall.since).total_seconds()),
        )
        for stall in view.stalls
        if (stall.topic, stall.partition) not in with_gap
    ]


def _lost(loss: Loss) -> Fault:
    """Return the fault for lost inputs; a cause that an older version recorded is shown as it was recorded."""
    code = LOSS_CODES.get(loss.why)
    if code is None:
        return Fault.of("inputs_lost", loss.found_at, **_inputs(loss), reason=loss.why)
    return Fault.of(code, loss.found_at, **_inputs(loss))


def _fenced_writers(fenced: Iterable[Any], states: Mapping[str, SourceState], at: datetime) -> list[Fault]:
    """Return faults for writers that run while another one has a higher generation: what they send is not accepted."""
    return [
        Fault.of("writer_fenced", at, source=source, generation=generation, records=int(records))
        for source, generation, records in fenced
        if source in states and states[source].generation == generation
    ]


def _inputs(of: Gap | Loss | Stall) -> dict[str, str | int]:
    return {"first": of.from_offset, "last": of.to_offset - 1, "topic": of.topic, "partition": of.partition}


def _unbalanced(source: SourceAccount, at: datetime) -> Fault:
    return Fault.of(
        "source_unbalanced",
        at,
        source=source.source,
        received=source.received,
        applied=source.applied,
        duplicate=source.duplicate,
        rejected=sum(source.rejected.values()),
        in_flight=source.in_flight,
    )


def _sources(
    rows: list[Any],
    rejections: list[Any],
    states: Mapping[str, SourceState],
    view: LogView,
    next_offsets: Mapping[tuple[str, int], int],
) -> tuple[list[SourceAccount], list[Fault]]:
    rejected: dict[str, dict[str, int]] = {}
    for source, reason, n in rejections:
        rejected.setdefault(source, {})[reason] = n
    accounts: list[SourceAccount] = []
    faults: list[Fault] = []
    for source in sorted({row[0] for row in rows} | set(states)):
        own = [row for row in rows if row[0] == source]
        in_flight = 0
        if (state := states.get(source)) is not None:
            counted = sum(row[4] for row in own if row[2] == state.generation)
            newer = any(row[2] > state.generation for row in own)
            in_flight = 0 if newer else max(0, state.delivered + state.buffered - counted)
            # What the source calls sent must have come, once nothing of its partitions is left to apply.
            unexplained = in_flight - state.buffered
            if unexplained > 0 and view.at > state.reported_at and _all_applied(source, view, next_offsets):
                faults.append(Fault.of("records_missing", view.at, source=source, records=unexplained))
        accounts.append(
            SourceAccount(
                source=source,
                received=sum(row[3] for row in own) + in_flight,
                applied=sum(row[5] for row in own),
                duplicate=sum(row[6] for row in own),
                rejected=rejected.get(source, {}),
                in_flight=in_flight,
                fenced=sum(row[7] for row in own),
                replayed=sum(row[8] for row in own),
                last_input_at=max((row[9].replace(tzinfo=UTC) for row in own), default=None),
                fenced_records=sum(row[10] or 0 for row in own),
            )
        )
    return accounts, faults


def _all_applied(source: str, view: LogView, next_offsets: Mapping[tuple[str, int], int]) -> bool:
    for topic in OUTPUT_OF:
        partitions = sum(name == topic for name, _ in view.ends)
        if not partitions:
            return False
        partition = (topic, partition_of(source, partitions))
        if next_offsets.get(partition, 0) < view.ends[partition]:
            return False
    return True


def _partitions(view: LogView, next_offsets: Mapping[tuple[str, int], int]) -> tuple[PartitionAccount, ...]:
    return tuple(
        PartitionAccount(
            topic,
            partition,
            next_offsets.get((topic, partition), 0),
            max(view.ends.get((topic, partition), 0), next_offsets.get((topic, partition), 0)),
            tuple(
                (gap.from_offset, gap.to_offset)
                for gap in view.gaps
                if (gap.topic, gap.partition) == (topic, partition)
            ),
        )
        for topic, partition in sorted(set(view.ends) | set(next_offsets))
    )
