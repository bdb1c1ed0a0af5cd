"""Validate a request for a series: the KPI, the units and the times of the points."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ioc.catalog import Catalog
from ioc.messages import Message
from ioc.model.duration import MINUTES_AND_LONGER, DurationInvalid, parse_duration
from ioc.model.kpi import KpiDefinition
from ioc.model.unit import UnitLevel

MONTH = "1M"
MOST_POINTS = 1000
MOST_CELLS = 20_000
MOST_UNITS = 20
COMMUNES = "communes"
"""Accepted in place of units: every commune."""


@dataclass(frozen=True, slots=True)
class SeriesPoints:
    """The times of the points, rising, in UTC.

    `monthly`: they are beginnings of months; otherwise they have equal steps.
    """

    times: tuple[datetime, ...]
    monthly: bool


def stretch(start: datetime, end: datetime, step: str, zone: ZoneInfo) -> SeriesPoints:
    """Return points at start + step … up to `end`.

    Step `1M` gives each beginning of a month in (start, end]. Raises ValueError for another form of step and for
    too many points.
    """
    if step == MONTH:
        times = _month_ends(start, end, zone)
        return SeriesPoints(tuple(times), monthly=True)
    try:
        length = parse_duration(step, MINUTES_AND_LONGER, max_digits=6)
    except DurationInvalid:
        raise ValueError(Message("step_not_listed", given=step[:40])) from None
    start = start.astimezone(UTC).replace(second=0, microsecond=0)
    count = max((end - start) // length, 0)
    if count > MOST_POINTS:
        raise ValueError(Message("too_many_points", points=count, max=MOST_POINTS))
    return SeriesPoints(tuple(start + length * place for place in range(1, count + 1)), monthly=False)


def a_year_before(of: SeriesPoints, zone: ZoneInfo) -> SeriesPoints:
    """Return as many points, each a calendar year earlier; equal steps stay equal."""
    if not of.times:
        return of
    first = _year_before(of.times[0], zone)
    if not of.monthly:
        return SeriesPoints(tuple(first + (time - of.times[0]) for time in of.times), monthly=False)
    return SeriesPoints(tuple(_year_before(time, zone) for time in of.times), monthly=True)


def known_kpi(catalog: Catalog, kpi: str) -> KpiDefinition:
    """Return a KPI's definition.

    Raises KeyError.
    """
    if kpi not in catalog.kpis:
        raise KeyError(Message("no_kpi", given=kpi[:80]))
    return catalog.kpis[kpi]


def known_units(catalog: Catalog, definition: KpiDefinition, asked: Sequence[str]) -> tuple[str, ...]:
    """Return the requested units, each once, in order; the province when none is named.

    Raises ValueError for an unknown unit, for one that the KPI does not cover, and for too many.
    """
    units = catalog.vocabulary.units
    if list(asked) == [COMMUNES]:
        found = [unit.code for unit in units.values() if unit.level is UnitLevel.COMMUNE]
        if UnitLevel.COMMUNE not in definition.per:
            raise ValueError(Message("kpi_without_communes", kpi=definition.id))
        return tuple(found)
    wanted = tuple(dict.fromkeys(asked)) or (catalog.province.code,)
    if len(wanted) > MOST_UNITS:
        raise ValueError(Message("too_many_units", count=len(wanted), max=MOST_UNITS, all=COMMUNES))
    for code in wanted:
        if code not in units:
            raise ValueError(Message("units_unknown", given=code[:40]))
        if units[code].level not in definition.per:
            raise ValueError(Message("kpi_without_unit", kpi=definition.id, unit=units[code].name))
    return wanted


def _month_ends(start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    month = start.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    found: list[datetime] = []
    while month <= end:
        if month > start:
            found.append(month.astimezone(UTC))
        month = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
        if len(found) > MOST_POINTS:
            raise ValueError(Message("too_many_months", max=MOST_POINTS))
    return found


def _year_before(moment: datetime, zone: ZoneInfo) -> datetime:
    local = moment.astimezone(zone)
    last_of_february = local.month == 2 and local.day == 29
    return local.replace(year=local.year - 1, day=28 if last_of_february else local.day).astimezone(UTC)
