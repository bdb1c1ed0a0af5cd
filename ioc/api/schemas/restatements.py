"""Restatements: reading them from the store, and their JSON."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NotRequired

import orjson
from typing_extensions import TypedDict

from ioc.api.http.rows import Condition, equal_to, select, stored_time
from ioc.api.ports import Cursor
from ioc.api.schemas.times import SpanShape
from ioc.store.times import naive

_SELECT = """
SELECT * FROM restatements WHERE {where}
ORDER BY restated_at DESC, kpi DESC, unit DESC, period DESC, period_from DESC LIMIT ?
"""


class PublishedValueShape(TypedDict):
    """A value as it was published at `at`, by a version of the KPI's definition."""

    value: float | None
    samples: int
    definition_version: str
    at: str


class LateBatchShape(TypedDict):
    """A batch that reached into a closed period; its offsets are half-open."""

    source: str
    topic: str
    partition: int
    from_offset: int
    to_offset: int
    samples: NotRequired[int]


class RestatementCauseShape(TypedDict):
    """Why a value was restated.

    `kind` is `data` (late or corrected data arrived) or `definition` (the definition has a new version). `batches`
    reached into the period since it was last evaluated; `late_samples` counts their readings or cases in the period or
    in days next to it.
    """

    kind: Literal["data", "definition"]
    late_samples: int
    batches: list[LateBatchShape]


class RestatementShape(TypedDict):
    """A change of the published value of a closed period, with both values and the cause."""

    kpi: str
    unit: str
    period: str
    window: SpanShape
    before: PublishedValueShape
    after: PublishedValueShape
    cause: RestatementCauseShape


def read_restatements(cursor: Callable[[], Cursor], wanted: Sequence[Condition], limit: int) -> list[dict[str, Any]]:
    """Read rows of `restatements`, the latest first. Raises StoreUnavailable."""
    return select(cursor, _SELECT, wanted, [limit])


def restated_spans(cursor: Callable[[], Cursor], kpi: str, unit: str) -> list[tuple[datetime, datetime]]:
    """Read the periods, [from, to) in UTC, whose published value was restated. Raises StoreUnavailable."""
    query = "SELECT DISTINCT period_from, period_to FROM restatements WHERE {where}"
    rows = select(cursor, query, equal_to(kpi=kpi, unit=unit))
    return [(row["period_from"].replace(tzinfo=UTC), row["period_to"].replace(tzinfo=UTC)) for row in rows]


def published_points(
    cursor: Callable[[], Cursor], kpi: str, unit: str, since: datetime, to: datetime
) -> dict[datetime, tuple[float | None, int]]:
    """Read the published (value, samples) of closed periods by their end in (since, to]. Raises StoreUnavailable."""
    query = "SELECT period_to, value, samples FROM published_periods WHERE {where}"
    within: list[Condition] = [("period_to > ?", [naive(since)]), ("period_to <= ?", [naive(to)])]
    rows = select(cursor, query, [*equal_to(kpi=kpi, unit=unit), *within])
    return {row["period_to"].replace(tzinfo=UTC): (row["value"], row["samples"]) for row in rows}


def restatement_shape(row: dict[str, Any]) -> RestatementShape:
    """Return the JSON of a row of `restatements`."""
    return {
        "kpi": row["kpi"],
        "unit": row["unit"],
        "period": row["period"],
        "window": {"from": stored_time(row["period_from"]), "to": stored_time(row["period_to"])},
        "before": {
            "value": row["value_before"],
            "samples": row["samples_before"],
            "definition_version": row["version_before"],
            "at": stored_time(row["published_at"]),
        },
        "after": {
            "value": row["value_after"],
            "samples": row["samples_after"],
            "definition_version": row["version_after"],
            "at": stored_time(row["restated_at"]),
        },
        "cause": {
            "kind": row["cause"],
            "late_samples": row["samples_late"],
            "batches": orjson.loads(row["batches"]),
        },
    }
