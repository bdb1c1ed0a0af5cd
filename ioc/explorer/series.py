"""Calculate a KPI of several units over time, with the same evaluation as the API's history."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from ioc.catalog import Catalog
from ioc.evaluation.freshness import Column
from ioc.evaluation.history import unit_columns
from ioc.evaluation.pane_reader import PaneReader
from ioc.explorer.series_request import MOST_CELLS, SeriesPoints
from ioc.messages import Message
from ioc.model.kpi import KpiDefinition, Target
from ioc.store.times import aware, naive


@dataclass(frozen=True, slots=True)
class UnitSeries:
    """A unit's values, one per point; None without enough data.

    `restated` are the indexes of points whose published value was changed later.
    """

    unit: str
    values: tuple[float | None, ...]
    samples: tuple[int, ...]
    restated: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetSpan:
    """The target of a KPI in [start, end)."""

    start: datetime
    end: datetime
    target: Target


@dataclass(frozen=True)
class KpiReader:
    """What KPIs are calculated from: a store, the definitions, and the province's zone."""

    reader: PaneReader
    catalog: Catalog
    zone: ZoneInfo


def series(kpis: KpiReader, definition: KpiDefinition, units: Sequence[str], of: SeriesPoints) -> list[UnitSeries]:
    """Calculate all units in one pass.

    Raises ValueError for too many points times units.
    """
    if len(units) * len(of.times) > MOST_CELLS:
        raise ValueError(Message("too_many_values", points=len(of.times), units=len(units)))
    if not of.times:
        return [UnitSeries(unit, (), ()) for unit in units]
    column = columns(kpis, definition, units, of)
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
    kpis: KpiReader, definition: KpiDefinition, units: Sequence[str], of: SeriesPoints, *, known_now: bool = False
) -> Column:
    """Return one entry per (time, unit), times first, units in the given order.

    `known_now`: count what is known now instead of what was known at the time; several times as fast.
    """
    province = kpis.catalog.province.code
    # The evaluation needs the province first.
    ordered = [unit for unit in units if unit == province] + [unit for unit in units if unit != province]
    latest = of.monthly or known_now
    column = unit_columns(kpis.reader, kpis.catalog, definition, ordered, of.times, kpis.zone, latest=latest)
    place = np.array([ordered.index(unit) for unit in units], np.intp)
    return column.at((np.arange(len(of.times))[:, None] * len(units) + place).reshape(-1))


def as_published(
    reader: PaneReader, definition: KpiDefinition, found: Sequence[UnitSeries], of: SeriesPoints
) -> list[UnitSeries]:
    """Replace the values at the end of closed periods by the published ones, as the API's history does."""
    if not of.times:
        return list(found)
    bounds = [naive(time) for time in (of.times[0], of.times[-1])]
    rows = reader.cursor.execute(
        "SELECT unit, period_to, value, samples FROM published_periods WHERE kpi = ? AND period_to BETWEEN ? AND ?",
        [definition.id, *bounds],
    ).fetchall()
    published = {(unit, aware(end)): (value, samples) for unit, end, value, samples in rows}
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


def with_restated_marks(
    reader: PaneReader, definition: KpiDefinition, found: Sequence[UnitSeries], of: SeriesPoints
) -> list[UnitSeries]:
    """Mark the points of restated periods; a point covers the time up to it."""
    rows = reader.cursor.execute(
        "SELECT DISTINCT unit, period_from, period_to FROM restatements WHERE kpi = ?", [definition.id]
    ).fetchall()
    spans = [(unit, aware(start), aware(end)) for unit, start, end in rows]
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


def targets(definition: KpiDefinition, of: SeriesPoints, zone: ZoneInfo) -> list[TargetSpan]:
    """Return the target of each year that has points; a year without one takes that of the latest year before."""
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
