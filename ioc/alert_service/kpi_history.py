"""The past of KPIs: what a tick compares with, and what a backtest replays."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from zoneinfo import ZoneInfo

import duckdb
import numpy as np

from ioc.alerts.backtest import BacktestHistory, KpiSeries
from ioc.alerts.inputs import DataState, Needs, Reals, Usual, Values
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
_LONGEST_SILENCE = timedelta(days=2)
MAX_STEPS = 3_000
_STEPS = [timedelta(minutes=m) for m in (1, 5, 10, 15, 30, 60, 120, 360, 1440)]


@dataclass
class KpiHistory:
    """Keeps what ticks ask again and again: values of a while ago for a minute, usual values for their hour. May be
    called from any thread; what is not known yet is read by `refresh`, apart from the ticks."""

    store: Store
    zone: ZoneInfo
    earlier: Mapping[tuple[str, int], Values] = field(default_factory=dict)
    usual: Mapping[tuple[str, int], Usual] = field(default_factory=dict)
    _minute: int = -1
    _hour: int = -1
    _of: Needs | None = None
    _lock: Lock = field(default_factory=Lock)

    def refresh(self, catalog: Catalog, needs: Needs, now: datetime) -> None:
        """Read what the minute, the hour or other rules made old. Raises StoreUnavailable."""
        now_ms = to_ms(now)
        with self._lock:
            minute, hour, same = now_ms // _MINUTE_MS, now_ms // _HOUR_MS, self._of == needs
            if same and minute == self._minute:
                return
            with self.store.cursor() as cursor, transaction(cursor, self.store.path):
                if needs.earlier:
                    self.earlier = {key: self._shown(cursor, key, now) for key in needs.earlier}
                if needs.usual and not (same and hour == self._hour):
                    reader = PaneReader(cursor, self.store.archive_dir, self.store.zone_hours)
                    self.usual = {
                        key: self._usual(reader, catalog, key, now_ms) for key in needs.usual if key[0] in catalog.kpis
                    }
            self._minute, self._hour, self._of = minute, hour, needs

    def _shown(self, cursor: duckdb.DuckDBPyConnection, key: tuple[str, int], now: datetime) -> Values:
        """Values as they were shown that long ago, from the record of values."""
        at = (now - timedelta(milliseconds=key[1])).astimezone(UTC).replace(tzinfo=None)
        rows = cursor.execute(
            "SELECT unit, arg_max(coalesce(value, 'nan'::DOUBLE), evaluated_at), arg_max(samples, evaluated_at), "
            "arg_max(freshness, evaluated_at) FROM kpi_values WHERE kpi = ? AND evaluated_at <= ? AND evaluated_at > ? "
            "GROUP BY unit",
            [key[0], at, at - _LONGEST_SILENCE],
        ).fetchall()
        known = {row[0]: row for row in rows}
        units = tuple(known)
        codes = [next(place for place, state in enumerate(STATES) if state == known[unit][3]) for unit in units]
        return Values(
            units,
            np.array([known[unit][1] for unit in units], np.float64),
            np.array([known[unit][2] for unit in units], np.int64),
            np.array(codes, np.int8),
        )

    def _usual(self, reader: PaneReader, catalog: Catalog, key: tuple[str, int], now_ms: int) -> Usual:
        definition = catalog.kpis[key[0]]
        units = units_of_kpi(catalog, definition)
        hours = same_hours(now_ms, key[1])
        times = [from_ms(hour + _HOUR_MS) for hour in hours]
        value = unit_columns(reader, catalog, definition, units, times, self.zone).value
        median, mad = median_and_mad(value.reshape(len(times), len(units)))
        return Usual(units, median, mad)

    def history(
        self,
        catalog: Catalog,
        rules: Iterable[Rule],
        units: tuple[str, ...],
        start: datetime,
        end: datetime,
        step: timedelta,
    ) -> BacktestHistory:
        """Of all KPIs that the rules speak of, at the end of each step. `units` in the catalogue's order. Raises
        KeyError for an unknown KPI, ValueError for too many steps."""
        count = (end - start) // step
        if not 0 < count <= MAX_STEPS:
            raise ValueError(Message("no_steps_of_history", count=count, max=MAX_STEPS))
        times = [start + step * (place + 1) for place in range(count)]
        found = [leaf for rule in rules for leaf in leaves(rule.condition)]
        kpis: dict[str, KpiSeries] = {}
        usual: dict[tuple[str, int], tuple[Reals, Reals]] = {}
        times_ms = np.array([to_ms(time) for time in times], np.int64)
        with self.store.cursor() as cursor, transaction(cursor, self.store.path):
            reader = PaneReader(cursor, self.store.archive_dir, self.store.zone_hours)
            for leaf in sorted(found, key=lambda one: not isinstance(one, Deviation)):
                definition = catalog.kpis[leaf.kpi]
                if isinstance(leaf, Deviation) and (leaf.kpi, leaf.weeks) not in usual:
                    first = to_ms(start) // _HOUR_MS * _HOUR_MS - leaf.weeks * 168 * _HOUR_MS
                    hours = np.arange(first, to_ms(end), _HOUR_MS, dtype=np.int64)
                    ends = [from_ms(int(hour) + _HOUR_MS) for hour in hours]
                    hourly = self._past(reader, catalog, definition, units, ends)
                    usual[leaf.kpi, leaf.weeks] = usual_at(times_ms, hours, hourly.value, leaf.weeks)
                    places = np.searchsorted(hours + _HOUR_MS, times_ms)
                    if (times_ms % _HOUR_MS == 0).all():
                        kpis[leaf.kpi] = hourly.at(places)
                if leaf.kpi not in kpis:
                    kpis[leaf.kpi] = self._past(reader, catalog, definition, units, times)
        return BacktestHistory(times_ms, units, kpis, usual)

    def _past(
        self,
        reader: PaneReader,
        catalog: Catalog,
        definition: KpiDefinition,
        units: tuple[str, ...],
        times: list[datetime],
    ) -> KpiSeries:
        spoken_of = [unit for unit in units_of_kpi(catalog, definition) if unit in units]
        column = unit_columns(reader, catalog, definition, spoken_of, times, self.zone)
        shape = (len(times), len(units))
        places = [units.index(unit) for unit in spoken_of]
        value, samples = np.full(shape, np.nan), np.zeros(shape, np.int64)
        state = np.full(shape, DataState.NO_DATA, np.int8)
        inner = (len(times), len(spoken_of))
        value[:, places], samples[:, places] = column.value.reshape(inner), column.samples.reshape(inner)
        state[:, places] = column.state.reshape(inner)
        return KpiSeries(value, state, samples)


def units_of_kpi(catalog: Catalog, definition: KpiDefinition) -> tuple[str, ...]:
    """Units that a KPI speaks of, the province first."""
    return tuple(unit.code for unit in catalog.vocabulary.units.values() if unit.level in definition.per)


def own_step(rules: Iterable[Rule], length: timedelta) -> timedelta:
    """The finest step that makes at most 1,440 of a length; of a rule that compares with the same hour of past weeks at
    least an hour, as usual values stand by the hour."""
    hourly = any(isinstance(leaf, Deviation) for rule in rules for leaf in leaves(rule.condition))
    finest = timedelta(hours=1) if hourly else timedelta()
    return next(step for step in _STEPS if step >= finest and length // step <= 1440)


def longest_change(rules: Iterable[Rule]) -> timedelta:
    """How far before its beginning a backtest must look."""
    lengths = [leaf.over for rule in rules for leaf in leaves(rule.condition) if isinstance(leaf, Change)]
    return max(lengths, default=timedelta())
