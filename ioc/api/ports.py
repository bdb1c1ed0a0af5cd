"""What the API asks of the rest of the centre; `ioc serve` puts the real parts in, tests put fakes."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from ioc.model.kpi import KpiValue
from ioc.model.rejection import Rejection


class Kpis(Protocol):
    """Values of KPIs. Both are called from worker threads, several at once."""

    def values(self) -> Sequence[KpiValue]:
        """Every present value."""

    def history(
        self, kpi: str, unit: str, begins: datetime, ends: datetime, step: timedelta, /
    ) -> Sequence[tuple[datetime, float | None, int]]:
        """(time, value, samples) for each step of [begins, ends), oldest first. `kpi` and `unit` are known."""


class SourceLedger(Protocol):
    """One source's account: received = applied + duplicate + rejected + in flight."""

    @property
    def source(self) -> str: ...
    @property
    def received(self) -> int: ...
    @property
    def applied(self) -> int: ...
    @property
    def duplicate(self) -> int: ...
    @property
    def rejected(self) -> Mapping[str, int]: ...
    @property
    def in_flight(self) -> int: ...


class PartitionLedger(Protocol):
    """How far one partition is applied. `gaps` are [from, to) offsets that are missing."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def next_offset(self) -> int: ...
    @property
    def end_offset(self) -> int: ...
    @property
    def gaps(self) -> Sequence[tuple[int, int]]: ...


class Ledger(Protocol):
    """The account of everything that came in."""

    @property
    def balanced(self) -> bool: ...
    @property
    def sources(self) -> Sequence[SourceLedger]: ...
    @property
    def partitions(self) -> Sequence[PartitionLedger]: ...


class PushAnswer(Protocol):
    """What became of a push; `rejected` in the order of the records."""

    @property
    def accepted(self) -> int: ...
    @property
    def rejected(self) -> Sequence[Rejection]: ...


class PushEndpoint(Protocol):
    """The way in for HTTP pushes."""

    async def ingest(self, source: str, content: bytes, content_type: str, idempotency_key: str, /) -> PushAnswer:
        """Returns once the broker (or the spool) has every fit record. `content_type` is one of JSON, NDJSON, CSV;
        `idempotency_key` is empty when the client sent none.

        Raises BatchMalformed (answered 400), SpoolFull (503), ConfigurationInvalid (the source is not configured, 409).
        """


class Cursor(Protocol):
    """A DuckDB cursor, as far as reading rows needs it."""

    def execute(self, query: str, parameters: Any = ..., /) -> Any: ...
    def close(self) -> None: ...
