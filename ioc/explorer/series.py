"""A KPI of several units over time, by the evaluation that the API's history is made by."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from ioc.catalog import Catalog
from ioc.evaluation.freshness import Column
from ioc.evaluation.history import unit_columns
from ioc.evaluation.pane_reader import PaneReader
from ioc.explorer.series_request import MOST_CELLS, Stretch
from ioc.model.kpi import KpiDefinition, Target


@dataclass(frozen=True, slots=True)
class UnitSeries:
    """One entry a point; a value is None without data enough. `restated` are the places of points of periods whose
    published value was changed."""

    unit: str
    values: tuple[float | None, ...]
    samples: tuple[int, ...]
    restated: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetSpan:
    """What a KPI should reach in [start, end)."""

    start: datetime
    end: datetime
    target: Target


def series(
    reader: PaneReader,
    catalog: Catalog,
    definition: KpiDefinition,
    units: Sequence[str],
    of: Stretch,
    zone: ZoneInfo,
) -> list[UnitSeries]:
    """All units in one pass. Raises ValueError for too many points of too many units."""
    if len(units) * len(of.times) > MOST_CELLS:
        raise ValueError(
            f"{len(of.times)} points of {len(units)} units are too many: take a longer step or fewer units."
        )
    if not of.times:
        return [UnitSeries(unit, (), ()) for unit in units]
    column = columns(reader, catalog, definition, units, of, zone)
    shape = (len(of.times), len(units))
    values, samples = column.value.reshape(shape), column.samples.reshape(shape)
    return [
        UnitSeries(
            unit,
            tuple(None if value != value else value for value in values[:, place].tolist()),
            tuple(samples[:, place].tolist()),
        )
        for place, unit in enumerate(units)
    ]


def columns(
    reader: PaneReader,
    catalog: Catalog,
    definition: KpiDefinition,
    units: Sequence[str],
    of: Stretch,
    zone: ZoneInfo,
    *,
    known_now: bool = False,
) -> Column:
    """One entry a (time, unit), times first, units as asked. `known_now`: what is counted by a time in the window
    counts as it is known now, not as it was known then; it is read several times as fast."""
    province = catalog.province.code
    # The evaluation wants the province first.
    ordered = [unit for unit in units if unit == province] + [unit for unit in units if unit != province]
    column = unit_columns(reader, catalog, definition, ordered, of.times, zone, latest=of.monthly or known_now)
    place = np.array([ordered.index(unit) for unit in units], np.intp)
    return column.at((np.arange(len(of.times))[:, None] * len(units) + place).reshape(-1))


def as_published(
    reader: PaneReader, definition: KpiDefinition, found: Sequence[UnitSeries], of: Stretch
) -> list[UnitSeries]:
    """With the points at the end of closed periods as these were published, as the API's history has them."""
    if not of.times:
        return list(found)
    bounds = [time.astimezone(UTC).replace(tzinfo=None) for time in (of.times[0], of.times[-1])]
    rows = reader.cursor.execute(
        "SELECT unit, period_to, value, samples FROM published_periods WHERE kpi = ? AND period_to BETWEEN ? AND ?",
        [definition.id, *bounds],
    ).fetchall()
    published = {(unit, end.replace(tzinfo=UTC)): (value, samples) for unit, end, value, samples in rows}
    pairs = [
        [
            published.get((one.unit, time), (value, samples))
            for time, value, samples in zip(of.times, one.values, one.samples, strict=True)
        ]
        for one in found
    ]
    return [
        replace(one, values=tuple(v for v, _ in of_unit), samples=tuple(n for _, n in of_unit))
        for one, of_unit in zip(found, pairs, strict=True)
    ]


def marked(reader: PaneReader, definition: KpiDefinition, found: Sequence[UnitSeries], of: Stretch) -> list[UnitSeries]:
    """With the points of restated periods: a point speaks of the time up to it."""
    rows = reader.cursor.execute(
        "SELECT DISTINCT unit, period_from, period_to FROM restatements WHERE kpi = ?", [definition.id]
    ).fetchall()
    spans = [(unit, start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)) for unit, start, end in rows]
    return [
        replace(
            one,
            restated=tuple(
                place
                for place, time in enumerate(of.times)
                if any(unit == one.unit and start < time <= end for unit, start, end in spans)
            ),
        )
        for one in found
    ]


def targets(definition: KpiDefinition, of: Stretch, zone: ZoneInfo) -> list[TargetSpan]:
    """The target of each year that the points lie in; a year without one of its own has that of the latest before."""
    if not of.times:
        return []
    first, last = of.times[0].astimezone(zone).year, of.times[-1].astimezone(zone).year
    return [
        TargetSpan(_new_year(year, zone), _new_year(year + 1, zone), target)
        for year in range(first, last + 1)
        if (target := definition.target_of(year)) is not None
    ]


def _new_year(year: int, zone: ZoneInfo) -> datetime:
    return datetime(year, 1, 1, tzinfo=zone).astimezone(UTC)
