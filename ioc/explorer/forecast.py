"""Forecast a unit's KPI to the year's end: a value with its interval and the chance of meeting the year's target."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from ioc.explorer import backtest
from ioc.explorer.backtest import Real, Score, StepForecast
from ioc.explorer.outlook import (
    Behaviour,
    ComingDays,
    WindowSoFar,
    behaviour,
    bounds_of,
    by_day,
    chance,
    expected_samples,
    interval,
    is_share_of_whole,
    of_step,
    values_at,
)
from ioc.explorer.series import KpiReader, columns
from ioc.explorer.series_request import SeriesPoints
from ioc.messages import Message
from ioc.model.kpi import CaseRatio, CaseTime, Formula, KpiDefinition, Target
from ioc.model.window import WindowKind

Models = Callable[[Sequence[Sequence[float]], Sequence[int], int], Mapping[str, Sequence[StepForecast]]]
"""As `ioc.explorer.models.forecasts`."""
COURSES = 4000
_DAY = timedelta(days=1)
_MILLISECOND = timedelta(milliseconds=1)
_SOON_DAYS = 62
_DAYS_BACK, _WEEKS_BACK = 400, 160
_LEAST = {1: 56, 7: 20}
_LEAST_KNOWN = 0.8
_SEASON = {1: 7, 7: 52}


@dataclass(frozen=True, slots=True)
class Steps:
    """A KPI's past by steps (days or weeks) up to the last midnight; NaN where there was no value."""

    values: Real
    samples: Real
    ends_at: datetime
    days: int

    @property
    def season(self) -> int:
        """Return the steps of a season: a week of days, a year of weeks once two are known, otherwise 1."""
        season = _SEASON[self.days]
        return season if len(self.values) >= 2 * season + 8 else 1


@dataclass(frozen=True, slots=True)
class FutureValue:
    """The median of the courses at `time`, and the bounds of their inner 80 %."""

    time: datetime
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """A forecast.

    `reason` says in one sentence why there is none; nothing else is set then. `path` has an entry for the end of
    each coming step, the last one being the year's end. `scores` are per step (`step_days`), the chosen model
    first, the seasonal-naive model last.
    """

    year: int
    reason: Message | None = None
    step_days: int = 0
    season: int = 1
    history: int = 0
    origins: int = 0
    behaviour: str = ""
    scores: Sequence[Score] = ()
    path: Sequence[FutureValue] = ()
    target: Target | None = None
    chance: float | None = None


@dataclass(frozen=True, slots=True)
class KpiPast:
    """What a forecast starts from.

    `so_far` is about the window that is running at `steps.ends_at`; `is_share`: no value can be above 100.
    """

    steps: Steps
    so_far: WindowSoFar
    is_share: bool = False


def forecast(kpis: KpiReader, definition: KpiDefinition, unit: str, now: datetime, models: Models) -> Forecast:
    """Read a KPI's past and forecast it.

    Raises what `models` raises.
    """
    year = now.astimezone(kpis.zone).year
    if definition.window.closed:
        return Forecast(year, Message("forecast_over"))
    midnight = now.astimezone(kpis.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    first_day, year_end = (
        moment.astimezone(UTC) for moment in (midnight, midnight.replace(year=year + 1, month=1, day=1))
    )
    steps = _past(kpis, definition, unit, first_day, (year_end - first_day) // _DAY)
    if reason := _reason_against(steps, year_end):
        return Forecast(year, reason)
    own = replace(definition, min_samples=1)
    column = columns(kpis, own, [unit], SeriesPoints((first_day,), monthly=False), known_now=True)
    so_far = WindowSoFar(float(np.nan_to_num(column.value[0])), int(column.samples[0]))
    past = KpiPast(steps, so_far, is_share_of_whole(definition, kpis.catalog.vocabulary.measures))
    return forecast_from(definition, past, year_end, kpis.zone, models)


def forecast_from(
    definition: KpiDefinition, past: KpiPast, year_end: datetime, zone: ZoneInfo, models: Models
) -> Forecast:
    """Forecast from a given past; the same past gives the same forecast."""
    steps = past.steps
    kind, season, first_day = behaviour(definition), steps.season, steps.ends_at
    days = (year_end - first_day) // _DAY
    horizon = -(-days // steps.days)
    begins, ahead = backtest.origins(len(steps.values), horizon, season)
    whole = _without_gaps(steps.values)
    made = models(
        [whole.tolist(), *(whole[:begin].tolist() for begin in begins)], [horizon, *([ahead] * len(begins))], season
    )
    actual = [steps.values[begin : begin + ahead] for begin in begins]
    scores = {model: backtest.score(model, actual, steps_of[1:]) for model, steps_of in made.items()}
    model = backtest.best(scores)
    period = season if model == list(made)[-1] else 1
    widened = scores[model].widening
    if kind is Behaviour.AMOUNT:
        widened = max(widened, _widening_of_sums(actual, made[model][1:], period))
    bounds = bounds_of(steps.values, is_share=past.is_share)
    courses = np.clip(backtest.paths(made[model][0], widened, period, COURSES), bounds.least, bounds.most)
    daily = by_day(courses, steps.days, days, amount=kind is Behaviour.AMOUNT)
    weights = expected_samples(steps.samples, season, days, steps.days)
    ends = [min(first_day + steps.days * _DAY * (step + 1), year_end) for step in range(horizon)]
    coming = ComingDays(first_day, daily, weights)
    values = values_at(
        kind, coming, past.so_far, ends, lambda end: definition.window.bounds(end - _MILLISECOND, zone)[0]
    )
    middle, low, high = interval(values)
    year = (year_end - _MILLISECOND).astimezone(zone).year
    target = definition.target_of(year)
    rest = [scores[name] for name in scores if name != model]
    return Forecast(
        year,
        None,
        steps.days,
        season,
        int(np.isfinite(steps.values).sum()),
        len(begins),
        kind,
        [scores[model], *rest],
        [FutureValue(*row) for row in zip(ends, middle.tolist(), low.tolist(), high.tolist(), strict=True)],
        target,
        chance(values[:, -1], target),
    )


def _past(kpis: KpiReader, definition: KpiDefinition, unit: str, until: datetime, days: int) -> Steps:
    # Each step of a formula evaluates all KPIs behind it; a share or mean of cases has no value on days off.
    daily = definition.window.kind is WindowKind.TODAY or (
        days <= _SOON_DAYS and not isinstance(definition.expression, Formula | CaseRatio | CaseTime)
    )
    length, count = (_DAY, _DAYS_BACK) if daily else (7 * _DAY, _WEEKS_BACK)
    if behaviour(definition) is Behaviour.LEVEL and definition.window.kind is WindowKind.YEAR:
        # The year-to-date values of other years are not a past of this year's.
        began, _ = definition.window.bounds(until - _MILLISECOND, kpis.zone)
        count = min(count, (until - began) // length)
    times = tuple(until - length * place for place in range(count - 1, -1, -1))
    of_one_step = of_step(definition, length)
    if of_one_step != definition:
        by_step = {kpi_id: of_step(each, length) for kpi_id, each in kpis.catalog.kpis.items()}
        kpis = replace(kpis, catalog=replace(kpis.catalog, kpis=by_step))
    column = columns(kpis, of_one_step, [unit], SeriesPoints(times, monthly=False), known_now=True)
    values, samples = column.value, column.samples.astype(float)
    begun = np.flatnonzero(np.isfinite(values) & (samples > 0))
    first = int(begun[0]) if len(begun) else len(values)
    return Steps(values[first:], samples[first:], until, length // _DAY)


def _reason_against(steps: Steps, year_end: datetime) -> Message | None:
    """Return why no forecast is possible; None when it is."""
    of = Message({1: "days", 7: "weeks"}[steps.days])
    have, need = int(np.isfinite(steps.values).sum()), _LEAST[steps.days]
    if have < need:
        return Message("forecast_few", have=have, of=of, need=need)
    if have < _LEAST_KNOWN * len(steps.values):
        return Message("forecast_gaps", count=len(steps.values), of=of, have=have)
    horizon = -(-((year_end - steps.ends_at) // _DAY) // steps.days)
    begins, ahead = backtest.origins(len(steps.values), horizon, steps.season)
    if len(begins) < 2 or 2 * ahead < horizon:
        return Message("forecast_short", count=len(steps.values), of=of, horizon=horizon)
    return None


def _without_gaps(values: Real) -> Real:
    """Return the values with gaps filled by straight lines."""
    places = np.arange(len(values))
    known = np.isfinite(values)
    return np.interp(places, places[known], values[known])


def _widening_of_sums(actual: Sequence[Real], coming: Sequence[StepForecast], period: int) -> float:
    """Return the widening with which the interval holds for sums over all steps as well: errors of days correlate."""
    sizes = []
    for came, made in zip(actual, coming, strict=True):
        there = np.isfinite(came)
        spread = backtest.paths(made, 1.0, period, 400)[:, there].sum(axis=1).std()
        sizes.append(np.abs(np.array([(came - made.mean)[there].sum()])) / max(float(spread), 1e-9))
    return backtest.widening(sizes)
