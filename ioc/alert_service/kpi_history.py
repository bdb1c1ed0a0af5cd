"""The past of KPIs: what a tick compares with, and what a backtest runs over."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from zoneinfo import ZoneInfo

import duckdb
import numpy as np

from ioc.alerts.backtest import BacktestHistory, KpiSeries
from ioc.alerts.inputs import DataState, Needs, Reals, Times, Usual, Values
from ioc.alerts.usual_values import median_and_mad, same_hours, usual_at
from ioc.catalog.catalog import Catalog
from ioc.clock import from_ms, to_ms
from ioc.evaluation.freshness import STATES
from ioc.evaluation.history import unit_columns
from ioc.evaluation.pane_reader import PaneReader
from ioc.messages import Message
from ioc.model.kpi import KpiDefinition
from ioc.model.rule import Change, Deviation, Rule, leaves
from ioc.store import Store, transaction

_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000
_WEEK_HOURS = 168
_MAX_VALUE_AGE = timedelta(days=2)
"""An earlier value that was recorded longer than this before is not used."""
MAX_STEPS = 3_000
_OWN_STEPS = 1_440
_STEPS = [timedelta(minutes=m) for m in (1, 5, 10, 15, 30, 60, 120, 360, 1440)]


@dataclass
class KpiHistory:
    """Earlier and usual values of KPIs, kept for a minute and for their hour; may be used from any thread.

    `refresh` reads what is missing, apart from the ticks. `earlier` and `usual` have the keys of `Needs`.
    """

    store: Store
    zone: ZoneInfo
    earlier: Mapping[tuple[str, int], Values] = field(default_factory=dict)
    usual: Mapping[tuple[str, int], Usual] = field(default_factory=dict)
    _minute: int = -1
    _hour: int = -1
    _needs: Needs | None = None
    _lock: Lock = field(default_factory=Lock)

    def refresh(self, catalog: Catalog, needs: Needs, now: datetime) -> None:
        """Read values again when the minute, the hour or the needs have changed. Raises StoreUnavailable."""
        now_ms = to_ms(now)
        with self._lock:
            minute, hour, same = now_ms // _MINUTE_MS, now_ms // _HOUR_MS, self._needs == needs
            if same and minute == self._minute:
                return
            with self.store.cursor() as cursor, transaction(cursor, self.store.path):
                if needs.earlier:
                    self.earlier = {key: self._earlier_values(cursor, key, now) for key in needs.earlier}
                if needs.usual and not (same and hour == self._hour):
                    reader = PaneReader(cursor, self.store.archive_dir, self.store.zone_hours)
                    self.usual = {
                        key: self._usual_values(reader, catalog, key, now_ms)
                        for key in needs.usual
                        if key[0] in catalog.kpis
                    }
            self._minute, self._hour, self._needs = minute, hour, needs

    def history(
        self,
        catalog: Catalog,
        rules: Iterable[Rule],
        units: tuple[str, ...],
        start: datetime,
        end: datetime,
        step: timedelta,
    ) -> BacktestHistory:
        """Return all KPIs that the rules use, at the end of each step in [start, end).

        `units` are codes in the catalogue's order. Raises KeyError for an unknown KPI, ValueError for too many steps.
        """
        count = (end - start) // step
        if not 0 < count <= MAX_STEPS:
            raise ValueError(Message("no_steps_of_history", count=count, max=MAX_STEPS))
        times = [start + step * (index + 1) for index in range(count)]
        times_ms = np.array([to_ms(time) for time in times], np.int64)
        found = [leaf for rule in rules for leaf in leaves(rule.condition)]
        deviations = dict.fromkeys((leaf.kpi, leaf.weeks) for leaf in found if isinstance(leaf, Deviation))
        series: dict[str, KpiSeries] = {}
        usual: dict[tuple[str, int], tuple[Reals, Reals]] = {}
        with self.store.cursor() as cursor, transaction(cursor, self.store.path):
            reader = PaneReader(cursor, self.store.archive_dir, self.store.zone_hours)
            for kpi, weeks in deviations:
                hours = _hours(start, end, weeks)
                ends = [from_ms(int(hour) + _HOUR_MS) for hour in hours]
                hourly = self._series(reader, catalog, catalog.kpis[kpi], units, ends)
                usual[kpi, weeks] = usual_at(times_ms, hours, hourly.value, weeks)
                if (times_ms % _HOUR_MS == 0).all():  # the hours have the steps' values already
                    series[kpi] = hourly.at(np.searchsorted(hours + _HOUR_MS, times_ms))
            for leaf in found:
                if leaf.kpi not in series:
                    series[leaf.kpi] = self._series(reader, catalog, catalog.kpis[leaf.kpi], units, times)
        return BacktestHistory(times_ms, units, series, usual)

    def _earlier_values(self, cursor: duckdb.DuckDBPyConnection, key: tuple[str, int], now: datetime) -> Values:
        """Return the values of a KPI as they were shown key[1] ms ago, from the record of values."""
        at = (now - timedelta(milliseconds=key[1])).astimezone(UTC).replace(tzinfo=None)
        rows = cursor.execute(
            "SELECT unit, arg_max(coalesce(value, 'nan'::DOUBLE), evaluated_at), arg_max(samples, evaluated_at), "
            "arg_max(freshness, evaluated_at) FROM kpi_values WHERE kpi = ? AND evaluated_at <= ? AND evaluated_at > ? "
            "GROUP BY unit",
            [key[0], at, at - _MAX_VALUE_AGE],
        ).fetchall()
        known = {row[0]: row for row in rows}
        units = tuple(known)
        codes = [next(code for code, state in enumerate(STATES) if state == known[unit][3]) for unit in units]
        return Values(
            units,
            np.array([known[unit][1] for unit in units], np.float64),
            np.array([known[unit][2] for unit in units], np.int64),
            np.array(codes, np.int8),
        )

    def _usual_values(self, reader: PaneReader, catalog: Catalog, key: tuple[str, int], now_ms: int) -> Usual:
        """Return median and MAD of the present hour of the day and week over the past key[1] weeks."""
        definition = catalog.kpis[key[0]]
        units = units_of_kpi(catalog, definition)
        times = [from_ms(hour + _HOUR_MS) for hour in same_hours(now_ms, key[1])]
        value = unit_columns(reader, catalog, definition, units, times, self.zone).value
        median, mad = median_and_mad(value.reshape(len(times), len(units)))
        return Usual(units, median, mad)

    def _series(
        self,
        reader: PaneReader,
        catalog: Catalog,
        definition: KpiDefinition,
        units: tuple[str, ...],
        times: Sequence[datetime],
    ) -> KpiSeries:
        """Return a KPI's values, arrays of times × units; units that the KPI does not cover have no data."""
        covered = [unit for unit in units_of_kpi(catalog, definition) if unit in units]
        column = unit_columns(reader, catalog, definition, covered, list(times), self.zone)
        shape, covered_shape = (len(times), len(units)), (len(times), len(covered))
        indices = [units.index(unit) for unit in covered]
        value, samples = np.full(shape, np.nan), np.zeros(shape, np.int64)
        state = np.full(shape, DataState.NO_DATA, np.int8)
        value[:, indices], samples[:, indices] = (
            column.value.reshape(covered_shape),
            column.samples.reshape(covered_shape),
        )
        state[:, indices] = column.state.reshape(covered_shape)
        return KpiSeries(value, state, samples)


def units_of_kpi(catalog: Catalog, definition: KpiDefinition) -> tuple[str, ...]:
    """Return the codes of the units that a KPI covers, the province first."""
    return tuple(unit.code for unit in catalog.vocabulary.units.values() if unit.level in definition.per)


def own_step(rules: Iterable[Rule], length: timedelta) -> timedelta:
    """Return the finest step that divides a length into at most 1,440.

    A rule that compares with the same hour of past weeks needs at least an hour: usual values exist by the hour.
    """
    hourly = any(isinstance(leaf, Deviation) for rule in rules for leaf in leaves(rule.condition))
    finest = timedelta(hours=1) if hourly else timedelta()
    return next(step for step in _STEPS if step >= finest and length // step <= _OWN_STEPS)


def longest_change(rules: Iterable[Rule]) -> timedelta:
    """Return how far before its beginning a backtest of these rules needs values."""
    lengths = [leaf.over for rule in rules for leaf in leaves(rule.condition) if isinstance(leaf, Change)]
    return max(lengths, default=timedelta())


def _hours(start: datetime, end: datetime, weeks: int) -> Times:
    """Return the beginnings of the hours (ms) that usual values over [start, end) are made of, ascending."""
    first = to_ms(start) // _HOUR_MS * _HOUR_MS - weeks * _WEEK_HOURS * _HOUR_MS
    return np.arange(first, to_ms(end), _HOUR_MS, dtype=np.int64)
