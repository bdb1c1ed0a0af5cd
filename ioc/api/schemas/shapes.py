"""The JSON of the outside contract: one function a thing, one typed shape each (OpenAPI shows the same)."""

from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, NotRequired, cast

from typing_extensions import TypedDict

from ioc.clock import rfc3339
from ioc.model.fault import Fault
from ioc.model.kpi import KpiValue, Target
from ioc.model.ledger import Ledger, SourceAccount
from ioc.model.source import SourceState

time_text = lru_cache(maxsize=4096)(rfc3339)
"""RFC 3339 in UTC; many values share the borders of their windows."""


def optional_time(moment: datetime | None) -> str | None:
    return None if moment is None else time_text(moment)


Span = TypedDict("Span", {"from": str, "to": str})
Offsets = TypedDict("Offsets", {"from": int, "to": int})


class KpiShape(TypedDict):
    id: str
    unit: str
    value: float | None
    unit_of_measure: str
    as_of: str | None
    window: Span
    samples: int
    min_samples: int
    freshness: Literal["live", "stale", "insufficient", "no_data"]
    target: dict[str, Any] | None
    definition_version: str
    reported: NotRequired[Literal[False]]
    restated: NotRequired[bool]
    restated_at: NotRequired[str]


def target_shape(target: Target | None) -> dict[str, Any] | None:
    """Only the bound that is set."""
    if target is None:
        return None
    bound = {"at_least": target.at_least} if target.at_least is not None else {"at_most": target.at_most}
    return {"year": target.year, **bound, "basis": target.basis}


def kpi_shape(value: KpiValue, min_samples: int) -> KpiShape:
    """`restated` and `restated_at` stand there only where a closed period was restated, `reported` only (as false)
    where the unit never reported what the KPI is made of."""
    shape: KpiShape = {
        "id": value.id,
        "unit": value.unit,
        "value": value.value,
        "unit_of_measure": value.unit_of_measure,
        "as_of": optional_time(value.as_of),
        "window": {"from": time_text(value.window_from), "to": time_text(value.window_to)},
        "samples": value.samples,
        "min_samples": min_samples,
        "freshness": value.freshness.value,
        "target": target_shape(value.target),
        "definition_version": value.definition_version,
    }
    if not value.reported:
        shape["reported"] = False
    if value.restated_at is not None:
        shape["restated"] = True
        shape["restated_at"] = time_text(value.restated_at)
    return shape


class SourceShape(TypedDict):
    source: str
    kind: str
    name: dict[str, str]
    condition: Literal["starting", "waiting", "live", "late", "failing", "unavailable", "refusing"]
    received: int
    rejected: int
    duplicate: int
    buffered: int
    rate_per_s: float
    lag_s: float | None
    last_success: str | None
    expected_every_s: float | None
    error: str
    reported_at: str


def source_shape(state: SourceState) -> SourceShape:
    return {
        "source": state.source,
        "kind": state.kind,
        "name": state.name,
        "condition": state.condition.value,
        "received": state.received,
        "rejected": state.rejected,
        "duplicate": state.duplicate,
        "buffered": state.buffered,
        "rate_per_s": state.rate_per_s,
        "lag_s": state.lag_s,
        "last_success": optional_time(state.last_success),
        "expected_every_s": state.expected_every_s,
        "error": state.error,
        "reported_at": rfc3339(state.reported_at),
    }


class LedgerTotals(TypedDict):
    balanced: bool
    received: int
    applied: int
    duplicate: int
    rejected: int
    in_flight: int


def ledger_totals(ledger: Ledger) -> LedgerTotals:
    """The sums over all sources, for the wall's freshness bar."""
    return {
        "balanced": ledger.balanced,
        "received": sum(source.received for source in ledger.sources),
        "applied": sum(source.applied for source in ledger.sources),
        "duplicate": sum(source.duplicate for source in ledger.sources),
        "rejected": sum(sum(source.rejected.values()) for source in ledger.sources),
        "in_flight": sum(source.in_flight for source in ledger.sources),
    }


class SourceAccountShape(TypedDict):
    source: str
    received: int
    applied: int
    duplicate: int
    rejected: dict[str, int]
    in_flight: int
    fenced_records: int


class PartitionAccountShape(TypedDict):
    topic: str
    partition: int
    next_offset: int
    end_offset: int
    gaps: list[Offsets]


class LossShape(TypedDict):
    topic: str
    partition: int
    offsets: Offsets
    why: str
    found_at: str


class CodedFaultShape(TypedDict):
    """`code` and `params` say it in any language, `detail` in English; `nested` has the code and the parameters of a
    parameter that is a message itself."""

    code: str
    params: dict[str, Any]
    nested: NotRequired[dict[str, Any]]
    detail: str
    since: str


class ArchiveShape(TypedDict):
    """A verification of the whole archive."""

    files: int
    size_bytes: int
    faults: list[CodedFaultShape]


class LedgerShape(TypedDict):
    """`faults` are the sentences that say why it does not balance, `coded_faults` the same with their codes."""

    balanced: bool
    sources: list[SourceAccountShape]
    losses: list[LossShape]
    faults: list[str]
    coded_faults: list[CodedFaultShape]
    partitions: list[PartitionAccountShape]


def coded_fault(fault: Fault) -> CodedFaultShape:
    shape = {**fault.message.shape(), "detail": fault.detail, "since": time_text(fault.since)}
    return cast(CodedFaultShape, shape)


def ledger_shape(ledger: Ledger) -> LedgerShape:
    return {
        "balanced": ledger.balanced,
        "faults": list(ledger.faults),
        "coded_faults": [coded_fault(fault) for fault in ledger.coded_faults],
        "sources": [_source_account(source) for source in ledger.sources],
        "partitions": [
            {
                "topic": partition.topic,
                "partition": partition.partition,
                "next_offset": partition.next_offset,
                "end_offset": partition.end_offset,
                "gaps": [{"from": first, "to": end} for first, end in partition.gaps],
            }
            for partition in ledger.partitions
        ],
        "losses": [
            {
                "topic": loss.topic,
                "partition": loss.partition,
                "offsets": {"from": loss.from_offset, "to": loss.to_offset},
                "why": loss.why,
                "found_at": rfc3339(loss.found_at),
            }
            for loss in ledger.losses
        ],
    }


def _source_account(source: SourceAccount) -> SourceAccountShape:
    return {
        "source": source.source,
        "received": source.received,
        "applied": source.applied,
        "duplicate": source.duplicate,
        "rejected": dict(source.rejected),
        "in_flight": source.in_flight,
        "fenced_records": source.fenced_records,
    }
