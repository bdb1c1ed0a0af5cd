"""What the API asks of the rest of the centre; `ioc serve` puts the real parts in, tests put fakes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Event
from typing import Any, Protocol

from ioc.evaluation.provenance import CasePage, Explanation
from ioc.model.kpi import KpiValue
from ioc.model.rejection import Rejection


class Kpis(Protocol):
    """Values of KPIs. Both are called from worker threads, several at once."""

    def values(self) -> Sequence[KpiValue]:
        """Every present value."""

    def history(
        self, kpi: str, unit: str, begins: datetime, ends: datetime, step: timedelta, gone: Event, /
    ) -> Sequence[tuple[datetime, float | None, int]]:
        """(time, value, samples) for each step of [begins, ends), oldest first. `kpi` and `unit` are known; `gone` is
        set once nobody waits for the answer. Raises StoreUnavailable when it takes too long."""

    def explain(self, kpi: str, unit: str, at: datetime | None, now: datetime, page: CasePage | None, /) -> Explanation:
        """What a value is made of, now (`at` None) or at a moment; with the cases behind it when `page` says how many.
        Raises KeyError for a pair without values."""


class PushAnswer(Protocol):
    """What became of a push; `rejected` in the order of the records, of very many only the first."""

    @property
    def accepted(self) -> int: ...
    @property
    def duplicate(self) -> int: ...
    @property
    def rejected(self) -> Sequence[Rejection]: ...
    @property
    def rejected_count(self) -> int: ...


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
