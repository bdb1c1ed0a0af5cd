"""What an issue corrects compared with the previous one, and why: both values joined with recorded restatements."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from ioc.catalog.catalog import Catalog
from ioc.clock import rfc3339
from ioc.evaluation.periods import PeriodKind
from ioc.reports.formatting import LANGUAGES
from ioc.reports.issue_content import Correction, Issue, figures_of
from ioc.reports.periods import PeriodLength, name_of, parse_span, span_at
from ioc.store.times import aware, naive

Key = tuple[str, str, str]
"""KPI, unit, period label."""
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Restatement:
    """A recorded restatement; `at` in UTC."""

    value_before: float | None
    value_after: float | None
    cause: str
    late_samples: int
    at: datetime


def read_restatements(
    cursor: duckdb.DuckDBPyConnection, kpis: Iterable[str], since: datetime, zone: ZoneInfo
) -> dict[Key, list[Restatement]]:
    """Return restatements of months, quarters and years recorded after `since`, earliest first."""
    listed = ", ".join(f"'{kpi}'" for kpi in sorted(set(kpis))) or "''"
    rows = cursor.execute(
        "SELECT kpi, unit, period, period_from, value_before, value_after, cause, samples_late, restated_at "
        f"FROM restatements WHERE kpi IN ({listed}) AND restated_at > ? AND period <> '{PeriodKind.DAY.value}' "
        "ORDER BY restated_at",
        [naive(since)],
    ).fetchall()
    found: dict[Key, list[Restatement]] = {}
    for kpi, unit, period, start, old, new, cause, late, at in rows:
        label = span_at(PeriodLength(period), aware(start), zone).label
        found.setdefault((kpi, unit, label), []).append(Restatement(old, new, cause, late, aware(at)))
    return found


def changes_of(
    old: Mapping[str, Any], new: Issue, new_json: Mapping[str, Any], record: Mapping[Key, list[Restatement]],
    catalog: Catalog, zone: ZoneInfo,
) -> tuple[Correction, ...]:  # fmt: skip
    """Return every figure that is in both issues and differs."""
    before, after = figures_of(dict(old)), figures_of(dict(new_json))
    found = []
    for key, cell in after.items():
        was = before.get(key)
        if was is None or _is_same(was["value"], cell["value"]):
            continue
        held = record.get(key, [])
        cause = held[-1].cause if held else "published" if was["origin"] != cell["origin"] else "computed"
        late, at = sum(one.late_samples for one in held), held[-1].at if held else None
        names = _names(key, catalog, zone, new)
        found.append(
            Correction(*names, was["value"], cell["value"], cell["digits"] or was["digits"], cause, late,
                       rfc3339(at) if at else "")
        )  # fmt: skip
    return tuple(found)


def restated_of(
    issue: Issue, json: Mapping[str, Any], record: Mapping[Key, list[Restatement]], catalog: Catalog, zone: ZoneInfo
) -> tuple[Correction, ...]:
    """Return figures of the issue that were published before and restated since."""
    found = []
    for key, cell in figures_of(dict(json)).items():
        if held := record.get(key):
            late = sum(one.late_samples for one in held)
            found.append(
                Correction(*_names(key, catalog, zone, issue), held[0].value_before, held[-1].value_after,
                           cell["digits"], held[-1].cause, late, rfc3339(held[-1].at))
            )  # fmt: skip
    return tuple(found)


def _names(
    key: Key, catalog: Catalog, zone: ZoneInfo, issue: Issue
) -> tuple[str, dict[str, str], str, str, str, dict[str, str]]:
    kpi, unit, label = key
    definition, place = catalog.kpis.get(kpi), catalog.vocabulary.units.get(unit)
    name = definition.name if definition else dict.fromkeys(LANGUAGES, kpi)
    written = {"W": PeriodLength.WEEK, "Q": PeriodLength.QUARTER}.get(
        label[5:6], PeriodLength.MONTH if len(label) > 4 else PeriodLength.YEAR
    )
    span = parse_span(written, label, zone) if label != issue.period else None
    named = {word: name_of(span, word, zone) for word in LANGUAGES} if span else dict(issue.period_name)
    return kpi, dict(name), unit, place.name if place else unit, label, named


def _is_same(old: float | None, new: float | None) -> bool:
    """Return whether two values are equal; sums added in another order differ in the last digits."""
    if old is None or new is None:
        return old is new
    return abs(old - new) <= _SAME * max(1.0, abs(old), abs(new))
