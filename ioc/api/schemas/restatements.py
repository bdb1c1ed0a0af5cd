"""Restatements as rows of the store and as JSON."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import orjson
from typing_extensions import TypedDict

from ioc.api.http.rows import Condition, equal_to, select, stored_time
from ioc.api.ports import Cursor
from ioc.api.schemas.shapes import Span
from ioc.store.times import aware, naive

_SELECT = """
SELECT * FROM restatements WHERE {where}
ORDER BY restated_at DESC, kpi DESC, unit DESC, period DESC, period_from DESC LIMIT ?
"""


class StandShape(TypedDict):
    """A value as it was published, and by which version of the definition."""

    value: float | None
    samples: int
    definition_version: str
    at: str


class CauseShape(TypedDict):
    """`data`: late or corrected data came; `definition`: the definition's version changed. `batches` are those that had
    reached into the period since it was last judged, offsets half-open; `late_samples` their readings or cases in it or
    in days beside it."""

    kind: str
    late_samples: int
    batches: list[dict[str, Any]]


class RestatementShape(TypedDict):
    kpi: str
    unit: str
    period: str
    window: Span
    before: StandShape
    after: StandShape
    cause: CauseShape


def read_restatements(cursor: Callable[[], Cursor], wanted: Sequence[Condition], limit: int) -> list[dict[str, Any]]:
    """Rows of `restatements`, the latest first. Raises StoreUnavailable."""
    return select(cursor, _SELECT, wanted, [limit])


def restated_spans(cursor: Callable[[], Cursor], kpi: str, unit: str) -> list[tuple[datetime, datetime]]:
    """Periods of a KPI and unit whose published value was restated, [from, to) in UTC."""
    query = "SELECT DISTINCT period_from, period_to FROM restatements WHERE {where}"
    rows = select(cursor, query, equal_to(kpi=kpi, unit=unit))
    return [(aware(row["period_from"]), aware(row["period_to"])) for row in rows]


def published_points(
    cursor: Callable[[], Cursor], kpi: str, unit: str, since: datetime, to: datetime
) -> dict[datetime, tuple[float | None, int]]:
    """Value and samples of the closed periods of a KPI and unit, as published, by their end in (since, to]."""
    query = "SELECT period_to, value, samples FROM published_periods WHERE {where}"
    begins, ends = (naive(moment) for moment in (since, to))
    wanted = [*equal_to(kpi=kpi, unit=unit), ("period_to > ?", [begins]), ("period_to <= ?", [ends])]
    rows = select(cursor, query, wanted)
    return {aware(row["period_to"]): (row["value"], row["samples"]) for row in rows}


def restatement_shape(row: dict[str, Any]) -> RestatementShape:
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
