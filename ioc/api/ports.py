"""Interfaces of the parts that the API needs. `ioc serve` provides the real ones, tests provide fakes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Event
from typing import Any, Protocol

from ioc.evaluation.provenance import CasePage, Explanation
from ioc.model.kpi import KpiValue
from ioc.model.rejection import Rejection


class Kpis(Protocol):
    """Values of KPIs. All methods may be called from several threads at a time."""

    def values(self) -> Sequence[KpiValue]:
        """Return all present values."""

    def history(
        self, kpi: str, unit: str, begins: datetime, ends: datetime, step: timedelta, gone: Event, /
    ) -> Sequence[tuple[datetime, float | None, int]]:
        """Return (time, value, samples) for each step of [begins, ends), oldest first.

        `kpi` and `unit` must exist. `gone` is set when the client has disconnected. Raises StoreUnavailable when it
        takes too long.
        """

    def explain(self, kpi: str, unit: str, at: datetime | None, now: datetime, page: CasePage | None, /) -> Explanation:
        """Return what a value is calculated from, now (`at` None) or at a moment; with a page of its cases if `page`.

        Raises KeyError for a KPI and unit without values.
        """


class PushAnswer(Protocol):
    """The outcome of a push. `rejected` are the first refused records, in the order of the body."""

    @property
    def accepted(self) -> int:
        """The number of accepted records."""

    @property
    def duplicate(self) -> int:
        """The number of records that had arrived before."""

    @property
    def rejected(self) -> Sequence[Rejection]:
        """The first refused records."""

    @property
    def rejected_count(self) -> int:
        """The number of all refused records."""


class PushEndpoint(Protocol):
    """Accepts pushes over HTTP."""

    async def ingest(self, source: str, content: bytes, content_type: str, idempotency_key: str, /) -> PushAnswer:
        """Return once the broker (or the spool) has every valid record.

        `content_type` is JSON, NDJSON or CSV; `idempotency_key` is empty when the client sent none. Raises
        BatchMalformed (answered 400), SpoolFull (503), ConfigurationInvalid (the source is not configured, 409).
        """


class Cursor(Protocol):
    """The part of a DuckDB cursor that reading rows needs."""

    def execute(self, query: str, parameters: Any = ..., /) -> Any:
        """Run SQL."""

    def close(self) -> None:
        """Close the cursor."""
