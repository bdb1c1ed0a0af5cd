"""The ledger balances, and reports it when it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ioc.clock import FixedClock
from ioc.model.ledger import Gap, Ledger, LogView
from ioc.model.source import SourceCondition, SourceState
from ioc.store import Maintenance, Store, read_ledger
from ioc.store.commit_tick import HistorianTick, write_tick
from ioc.store.compaction import compact_positions
from ioc.store.exactly_once import Output, PartitionProgress
from ioc.store.ledger import faults_of_view
from ioc.store.stalls import Stalls
from ioc.store.store import transaction
from ioc.topics import CASES, READINGS
from ioc.wire.headers import OutputHeaders
from tests.support.store_batches import NOW, case, case_versions, one_pane

STATE = SourceState(
    source="sensors", kind="http_push", name={}, condition=SourceCondition.LIVE, generation=2, received=0, rejected=0,
    duplicate=0, buffered=0, rate_per_s=0, lag_s=None, last_success=None, expected_every_s=None, error="",
    reported_at=NOW,
)  # fmt: skip
VIEW = LogView(NOW + timedelta(seconds=1), {(READINGS, 0): 2, (CASES, 0): 1})


@pytest.fixture
def filled(store: Store) -> Store:
    """`sensors` in two generations: 3 + 4 applied, 2 rejected, 1 duplicate; `dossiers`: 3 versions, one repeated."""
    tick = HistorianTick(applied={(READINGS, 0): 2, (CASES, 0): 1}, read={("o", 0): 3})
    for generation, n, rejected, duplicate in ((1, 3, {"not_finite": 2}, 0), (2, 4, {}, 1)):
        received = n + sum(rejected.values()) + duplicate
        head = OutputHeaders(READINGS, 0, 0, "sensors", generation, 0, received, n, duplicate, rejected, 0)
        tick.apply(Output(head, one_pane(1, n=n), 0))
    head = OutputHeaders(CASES, 0, 0, "dossiers", 1, 0, 3, 3, 0, {}, 0)
    tick.apply(Output(head, case_versions(case(1), case(1, 1), case(1)), 0))
    with store.cursor() as cursor, transaction(cursor, store.path):
        write_tick(cursor, store.codes, tick, 1, NOW, store.zone_hours)
    return store


def ledger_of(store: Store, *states: SourceState, view: LogView = VIEW) -> Ledger:
    with store.cursor() as cursor:
        return read_ledger(cursor, view, states)


def test_everything_that_came_stands_somewhere(filled: Store) -> None:
    ledger = ledger_of(filled)
    dossiers, sensors = ledger.sources
    assert (sensors.received, sensors.applied, sensors.duplicate, dict(sensors.rejected)) == (
        10,
        7,
        1,
        {"not_finite": 2},
    )
    assert (dossiers.received, dossiers.applied) == (3, 3)
    assert [(p.topic, p.partition, p.next_offset, p.end_offset) for p in ledger.partitions] == [
        (CASES, 0, 1, 1),
        (READINGS, 0, 2, 2),
    ]
    assert ledger.balanced


@pytest.mark.parametrize(
    ("state", "in_flight"),
    [
        pytest.param(replace(STATE, delivered=5), 0, id="all of this generation is in the store"),
        pytest.param(replace(STATE, delivered=5, buffered=4), 4, id="the rest waits in the connector"),
        pytest.param(replace(STATE, delivered=3), 0, id="the report is older than the data"),
        pytest.param(replace(STATE, generation=3, buffered=6), 6, id="a new generation has sent nothing yet"),
        pytest.param(
            replace(STATE, generation=1, delivered=99), 0, id="a report of the generation before says nothing"
        ),
        pytest.param(replace(STATE, received=99, delivered=5), 0, id="the process has sent more, in one before"),
    ],
)
def test_in_flight(filled: Store, state: SourceState, in_flight: int) -> None:
    ledger = ledger_of(filled, state)
    assert [s.in_flight for s in ledger.sources if s.source == "sensors"] == [in_flight]
    assert ledger.balanced, ledger.faults


def test_what_was_sent_but_is_not_in_the_log_is_a_fault(filled: Store) -> None:
    state = replace(STATE, delivered=8, buffered=1)
    assert ledger_of(filled, state).faults == ("sensors: 3 records were sent, but are not in Kafka.",)
    on_its_way = LogView(VIEW.at, {(READINGS, 0): 3, (CASES, 0): 1})
    assert ledger_of(filled, state, view=on_its_way).balanced
    seen_before = replace(state, reported_at=VIEW.at + timedelta(seconds=1))
    assert ledger_of(filled, seen_before).balanced


@pytest.mark.parametrize(("age_s", "balanced"), [(4, True), (6, False)], ids=["a moment", "for good"])
def test_a_gap_unbalances_when_it_stays(filled: Store, age_s: int, balanced: bool) -> None:
    gap = Gap(READINGS, 0, 2, 4, VIEW.at - timedelta(seconds=age_s))
    ledger = ledger_of(filled, view=replace(VIEW, gaps=(gap,)))
    assert ledger.balanced is balanced
    assert [p.gaps for p in ledger.partitions] == [(), ((2, 4),)]


MISCOUNTED = "The rows in the store do not match the ledger: "


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        pytest.param(
            "DELETE FROM kept_minute_panes",
            MISCOUNTED + "The minute panes hold 0 readings, but 7 were applied.",
            id="minute",
        ),
        pytest.param(
            "UPDATE kept_hour_panes SET n = n + 1",
            MISCOUNTED + "The hour panes hold 8 readings, but 7 were applied.",
            id="hour",
        ),
        pytest.param(
            "INSERT INTO kept_day_panes SELECT * FROM kept_day_panes",
            MISCOUNTED + "The day panes hold 14 readings, but 7 were applied.",
            id="day counted twice",
        ),
        pytest.param("DELETE FROM cases", MISCOUNTED + "0 cases are stored, but 1 were opened.", id="case"),
        pytest.param(
            "DELETE FROM case_changes WHERE updated_at > received_at",
            MISCOUNTED + "1 case versions and 1 repeats are stored, but 3 were applied.",
            id="case version",
        ),
        pytest.param(
            "DELETE FROM source_rejections",
            "sensors: 10 received do not equal 7 applied, 1 duplicate, 0 rejected and 0 in flight.",
            id="rejections",
        ),
    ],
)
def test_a_damaged_row_shows(filled: Store, damage: str, fault: str) -> None:
    clock = FixedClock(datetime(1970, 1, 1, 0, 1, tzinfo=UTC))
    maintenance = Maintenance(filled, clock=clock)
    clock.moment += timedelta(minutes=2)
    while maintenance.step():
        pass
    assert ledger_of(filled).balanced
    with filled.cursor() as cursor:
        cursor.execute(damage)
    assert ledger_of(filled).faults == (fault,)


def test_a_writer_that_runs_while_another_holds_is_a_fault_with_what_it_lost(filled: Store) -> None:
    tick = HistorianTick()
    tick.fence(OutputHeaders(READINGS, 0, 0, "sensors", 1, 7, 5, 5, 0, {}, 0))
    with filled.cursor() as cursor, transaction(cursor, filled.path):
        write_tick(cursor, filled.codes, tick, 2, NOW, filled.zone_hours)
    assert ledger_of(filled, STATE).balanced, "an echo of a writer that is gone"
    ledger = ledger_of(filled, replace(STATE, generation=1))
    [fault] = ledger.coded_faults
    assert (fault.code, fault.params["records"]) == ("writer_fenced", 5)
    assert [source.fenced_records for source in ledger.sources] == [0, 5]


@pytest.mark.parametrize(("still_s", "codes"), [(3, []), (9, ["partition_stalled"])], ids=["a moment", "for good"])
def test_a_partition_that_stands_still_is_a_fault(still_s: int, codes: list[str]) -> None:
    stalls, progress = Stalls(), {(READINGS, 1): PartitionProgress(4, 0), (CASES, 0): PartitionProgress(2, 0)}
    ends = {(READINGS, 1): 9, (CASES, 0): 2}
    stalls.update(progress, ends, NOW)
    at = NOW + timedelta(seconds=still_s)
    gaps, stalled = stalls.update(progress, ends, at)
    faults = faults_of_view(LogView(at, ends, gaps, stalled))
    assert [fault.code for fault in faults] == codes
    assert all("5 messages wait" in fault.detail and "ioc topics" in fault.detail for fault in faults)
    progress[READINGS, 1].skip_to(5)
    assert stalls.update(progress, ends, at + timedelta(seconds=1)) == ((), ()), "it moves again"


def test_sums_stop_at_the_end_of_their_column(store: Store) -> None:
    with store.cursor() as cursor:
        for tick in range(3):
            cursor.execute(
                "INSERT INTO source_counts VALUES ('s', 't', 1, ?, ?, 0, ?, 0, 0, 0, 0, '2026-11-22', 0)",
                [tick, 2**63 - 1, 2**63 - 1],
            )
    account = ledger_of(store).sources[0]
    assert (account.received, account.duplicate) == (2**63 - 1, 2**63 - 1)
    with store.cursor() as cursor, transaction(cursor, store.path):
        compact_positions(cursor)
    assert ledger_of(store).sources[0] == account
