"""The ledger as JSON: totals for the websocket, all sources and partitions for REST."""

from typing_extensions import TypedDict

from ioc.api.schemas.faults import FaultShape, fault_shape
from ioc.api.schemas.times import OffsetSpanShape
from ioc.clock import rfc3339
from ioc.model.ledger import Ledger, SourceAccount


class LedgerTotals(TypedDict):
    """Sums over all sources, as the wall's freshness bar shows them."""

    balanced: bool
    received: int
    applied: int
    duplicate: int
    rejected: int
    in_flight: int


class SourceAccountShape(TypedDict):
    """Records of one source: received = applied + duplicate + rejected + in_flight. `rejected` counts by reason.

    `fenced_records` were repeated by a writer that had been replaced; they are not part of the sum.
    """

    source: str
    received: int
    applied: int
    duplicate: int
    rejected: dict[str, int]
    in_flight: int
    fenced_records: int


class PartitionAccountShape(TypedDict):
    """How far a partition has been applied. `gaps` are half-open ranges of offsets that are missing."""

    topic: str
    partition: int
    next_offset: int
    end_offset: int
    gaps: list[OffsetSpanShape]


class LossShape(TypedDict):
    """Records that can never be applied, as a half-open range of offsets."""

    topic: str
    partition: int
    offsets: OffsetSpanShape
    why: str
    found_at: str


class LedgerShape(TypedDict):
    """The account of all records. `faults` and `coded_faults` say the same: why the ledger does not balance."""

    balanced: bool
    sources: list[SourceAccountShape]
    losses: list[LossShape]
    faults: list[str]
    coded_faults: list[FaultShape]
    partitions: list[PartitionAccountShape]


class ArchiveShape(TypedDict):
    """The result of verifying the whole archive; `faults` names the damaged files."""

    files: int
    size_bytes: int
    faults: list[FaultShape]


def ledger_totals(ledger: Ledger) -> LedgerTotals:
    """Return the sums over all sources."""
    return {
        "balanced": ledger.balanced,
        "received": sum(source.received for source in ledger.sources),
        "applied": sum(source.applied for source in ledger.sources),
        "duplicate": sum(source.duplicate for source in ledger.sources),
        "rejected": sum(sum(source.rejected.values()) for source in ledger.sources),
        "in_flight": sum(source.in_flight for source in ledger.sources),
    }


def ledger_shape(ledger: Ledger) -> LedgerShape:
    """Return the JSON of the whole ledger."""
    return {
        "balanced": ledger.balanced,
        "faults": list(ledger.faults),
        "coded_faults": [fault_shape(fault) for fault in ledger.coded_faults],
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
