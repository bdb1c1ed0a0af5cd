"""The explorer's computations, run in the job process: functions over a snapshot that return plain data."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from ioc.catalog import load_kept
from ioc.clock import rfc3339
from ioc.evaluation.data_start import first_day_of_data
from ioc.explorer.change_breakdown import ChangeCalculator, ChangeGrouping, MomentValue
from ioc.explorer.covered_periods import CoveredPeriod, covered_periods
from ioc.explorer.forecast import Forecast, forecast
from ioc.explorer.kpi_sql import write_sql
from ioc.explorer.models import forecasts
from ioc.explorer.series import KpiReader, UnitSeries, as_published, series, targets, with_restated_marks
from ioc.explorer.series_files import as_csv, as_xlsx, rows
from ioc.explorer.series_request import SeriesPoints, a_year_before, known_kpi, known_units, stretch
from ioc.lab.snapshot_reader import OpenSnapshot, open_snapshot
from ioc.messages import Message
from ioc.model.kpi import KpiDefinition, Target
from ioc.settings import Settings
from ioc.store.snapshot import Snapshot

Shape = dict[str, Any]


@dataclass(frozen=True)
class SeriesRequest:
    """A KPI of some units (empty: the province) over a period; `step` as in `ioc.explorer.series_request.stretch`."""

    kpi: str
    units: tuple[str, ...]
    start: datetime
    end: datetime
    step: str = "1d"
    last_year: bool = False

    def with_step(self, step: str, *, last_year: bool = False) -> "SeriesRequest":
        """Return the request with a step, and with the same series a year before if `last_year`."""
        return replace(self, step=step, last_year=last_year)


@dataclass(frozen=True)
class _Found:
    of: SeriesPoints
    series: Sequence[UnitSeries]
    before: SeriesPoints
    last_year: Sequence[UnitSeries]


def compute_series(snapshot: Snapshot, settings: Settings, wanted: SeriesRequest) -> Shape:
    """Calculate the series, as SeriesShape.

    Raises KeyError for an unknown KPI, ValueError for other invalid input, StoreUnavailable.
    """
    with open_snapshot(snapshot, settings) as past:
        definition = known_kpi(past.catalog, wanted.kpi)
        found = _series(past, wanted)
        shown = with_restated_marks(past.reader, definition, found.series, found.of)
        before = {"times": _times(found.before), "series": [_unit_series(one) for one in found.last_year]}
        return {
            "id": definition.id,
            "step": wanted.step,
            "times": _times(found.of),
            "periods": [_period(period) for period in _covered(past, definition, found.of)],
            "series": [_unit_series(one) for one in shown],
            "last_year": before if wanted.last_year else None,
            "targets": [
                {"from": rfc3339(span.start), "to": rfc3339(span.end), **_target(span.target)}
                for span in targets(definition, found.of, past.zone)
            ],
            "snapshot": {"taken_at": rfc3339(snapshot.taken_at)},
        }


def compute_table(snapshot: Snapshot, settings: Settings, wanted: SeriesRequest, encoding: str) -> bytes:
    """Calculate the series as a file; `encoding` is csv or xlsx.

    Raises the same errors as `compute_series`.
    """
    with open_snapshot(snapshot, settings) as past:
        definition = known_kpi(past.catalog, wanted.kpi)
        found = _series(past, wanted)
        names = {code: unit.name for code, unit in past.catalog.vocabulary.units.items()}
        table = rows(_covered(past, definition, found.of), found.series, found.last_year, names, past.zone)
        return as_csv(table) if encoding == "csv" else as_xlsx(table, definition)


def compute_parts(
    snapshot: Snapshot, settings: Settings, kpi: str, unit: str, before: datetime, after: datetime
) -> Shape:
    """Calculate what contributed to a change between two moments, as ChangeShape.

    Raises the same errors as `compute_series`.
    """
    with open_snapshot(snapshot, settings) as past:
        definition = known_kpi(past.catalog, kpi)
        [code] = known_units(past.catalog, definition, [unit] if unit else [])
        change = ChangeCalculator(past.reader, past.catalog, past.zone).change(definition, code, before, after)
        return {
            "id": kpi,
            "unit": code,
            "method": change.method,
            "before": _standing(change.before),
            "after": _standing(change.after),
            "groupings": [_grouping(grouping) for grouping in change.groupings],
            "parts": [asdict(part) for part in change.parts],
            "snapshot": {"taken_at": rfc3339(snapshot.taken_at)},
        }


def compute_forecast(snapshot: Snapshot, settings: Settings, kpi: str, unit: str) -> Shape:
    """Calculate the forecast to the year's end, as ForecastShape.

    Raises the same errors as `compute_series`, and ForecastFailed.
    """
    with open_snapshot(snapshot, settings) as past:
        definition = known_kpi(past.catalog, kpi)
        [code] = known_units(past.catalog, definition, [unit] if unit else [])
        made = forecast(KpiReader(past.reader, past.catalog, past.zone), definition, code, snapshot.taken_at, forecasts)
    return {"id": kpi, "unit": code, **_forecast(made), "snapshot": {"taken_at": rfc3339(snapshot.taken_at)}}


def compute_sql(settings: Settings, wanted: SeriesRequest) -> Shape:
    """Return the SQL that gives the same figures in the lab, as KpiSqlShape; needs no snapshot.

    Raises the same errors as `compute_series`.
    """
    catalog = load_kept(settings.province, settings.catalog_dir, settings.kept_dir)
    definition = known_kpi(catalog, wanted.kpi)
    units = known_units(catalog, definition, wanted.units)
    of = stretch(wanted.start, wanted.end, wanted.step, settings.zone)
    if not of.times:
        raise ValueError(Message("no_point"))
    written = write_sql(catalog, definition, units, of, wanted.step, settings.zone)
    return asdict(written) | {"why": written.why or "", "why_message": written.why.shape() if written.why else None}


def _series(past: OpenSnapshot, wanted: SeriesRequest) -> _Found:
    definition = known_kpi(past.catalog, wanted.kpi)
    units = known_units(past.catalog, definition, wanted.units)
    of = stretch(wanted.start, wanted.end, wanted.step, past.zone)
    before = a_year_before(of, past.zone)

    def of_units(stretch: SeriesPoints) -> list[UnitSeries]:
        found = series(KpiReader(past.reader, past.catalog, past.zone), definition, units, stretch)
        return as_published(past.reader, definition, found, stretch)

    return _Found(of, of_units(of), before, of_units(before) if wanted.last_year else [])


def _covered(past: OpenSnapshot, definition: KpiDefinition, of: SeriesPoints) -> tuple[CoveredPeriod, ...]:
    first_day = first_day_of_data(past.cursor, past.catalog, definition, past.zone)
    return covered_periods(definition.window, of.times, past.zone, first_day)


def _period(period: CoveredPeriod) -> Shape:
    start = None if period.start is None else rfc3339(period.start)
    return {"from": start, "to": rfc3339(period.end), "partial": period.partial}


def _times(of: SeriesPoints) -> list[str]:
    return [rfc3339(time) for time in of.times]


def _unit_series(one: UnitSeries) -> Shape:
    return {"unit": one.unit, "values": one.values, "samples": one.samples, "restated": one.restated}


def _target(target: Target) -> Shape:
    bound = {"at_least": target.at_least} if target.at_least is not None else {"at_most": target.at_most}
    return {"year": target.year, **bound, "basis": target.basis}


def _standing(standing: MomentValue) -> Shape:
    return {
        "time": rfc3339(standing.time),
        "value": standing.value,
        "samples": standing.samples,
        "window": {"from": rfc3339(standing.window_from), "to": rfc3339(standing.window_to)},
    }


def _grouping(grouping: ChangeGrouping) -> Shape:
    rest = None if grouping.rest is None else asdict(grouping.rest)
    return {"by": grouping.by, "groups": [asdict(group) for group in grouping.groups], "rest": rest}


def _forecast(made: Forecast) -> Shape:
    shape = asdict(made)
    shape["path"] = [{**asdict(reach), "time": rfc3339(reach.time)} for reach in made.path]
    shape["target"] = None if made.target is None else _target(made.target)
    shape["reason"] = made.reason or ""
    shape["reason_message"] = made.reason.shape() if made.reason else None
    return shape
