"""The ledger: how many records came in, and what became of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ioc.model.fault import Fault


@dataclass(frozen=True, slots=True)
class Gap:
    """Inputs [from_offset, to_offset) of a source partition that have no output yet while later ones have."""

    topic: str
    partition: int
    from_offset: int
    to_offset: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Stall:
    """Inputs [from_offset, to_offset) of a source partition that wait; none was applied since `since`."""

    topic: str
    partition: int
    from_offset: int
    to_offset: int
    since: datetime


@dataclass(frozen=True, slots=True)
class LogView:
    """The input topics as the historian last saw them, at the time `at`.

    `ends` is the end offset by (topic, partition); `generations` the highest generation of a writer by source.
    """

    at: datetime
    ends: Mapping[tuple[str, int], int] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    stalls: tuple[Stall, ...] = ()
    generations: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceAccount:
    """Counts of the records of one source.

    `in_flight` were received by the connector and are not in the store yet. `fenced` counts batches of a writer that
    another one had replaced, with `fenced_records` in them; `replayed` counts outputs that were published a second
    time. Neither is applied.
    """

    source: str
    received: int
    applied: int
    duplicate: int
    rejected: Mapping[str, int]
    in_flight: int
    fenced: int = 0
    replayed: int = 0
    last_input_at: datetime | None = None
    fenced_records: int = 0

    @property
    def balances(self) -> bool:
        return self.received == self.applied + self.duplicate + sum(self.rejected.values()) + self.in_flight


@dataclass(frozen=True, slots=True)
class PartitionAccount:
    """How far a source partition is applied. `gaps` are [from, to) offsets."""

    topic: str
    partition: int
    next_offset: int
    end_offset: int
    gaps: tuple[tuple[int, int], ...] = ()


class LossCause(StrEnum):
    """Why inputs will never be applied, as the store keeps it."""

    INPUTS_EXPIRED = "expired before it was applied"
    TOPIC_RECREATED = "the topic was re-created"
    LOG_CUT = "the end of the log is gone"
    OUTPUT_UNREADABLE = "the output cannot be read"


@dataclass(frozen=True, slots=True)
class Loss:
    """Inputs [from_offset, to_offset) that will never be applied, and why."""

    topic: str
    partition: int
    from_offset: int
    to_offset: int
    why: str
    found_at: datetime


@dataclass(frozen=True, slots=True)
class Ledger:
    """The account of all sources and partitions.

    `coded_faults` say why it does not balance; it balances without any.
    """

    sources: tuple[SourceAccount, ...]
    partitions: tuple[PartitionAccount, ...]
    losses: tuple[Loss, ...] = ()
    coded_faults: tuple[Fault, ...] = ()

    @property
    def faults(self) -> tuple[str, ...]:
        """The English sentences of `coded_faults`."""
        return tuple(fault.detail for fault in self.coded_faults)

    @property
    def balanced(self) -> bool:
        return not self.coded_faults
