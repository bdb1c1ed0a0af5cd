"""A KPI of a unit at the year's end: a value with its interval, and the chance of meeting the year's target."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from ioc.catalog import Catalog
from ioc.evaluation.pane_reader import PaneReader
from ioc.explorer import backtest
from ioc.explorer.backtest import Coming, Real, Score
from ioc.explorer.outlook import (
    Behaviour,
    Known,
    behaviour,
    bounds_of,
    by_day,
    chance,
    interval,
    is_share_of_whole,
    of_step,
    samples_to_come,
    values_at,
)
from ioc.explorer.series import columns
from ioc.explorer.series_request import Stretch
from ioc.model.kpi import CaseRatio, CaseTime, Formula, KpiDefinition, Target
from ioc.model.window import WindowKind

Models = Callable[[Sequence[Sequence[float]], Sequence[int], int], Mapping[str, Sequence[Coming]]]
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
    """The past of a KPI step by step (days or weeks) up to the last midnight; NaN where there was no value."""

    values: Real
    samples: Real
    ends_at: datetime
    days: int

    @property
    def season(self) -> int:
        """Steps of a season: of days a week, of weeks a year once two of them are known, else 1: none."""
        season = _SEASON[self.days]
        return season if len(self.values) >= 2 * season + 8 else 1


@dataclass(frozen=True, slots=True)
class Reach:
    """At the moment `time`: the middle of the courses, and the bounds of their inner 80 %."""

    time: datetime
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """`reason` says in one sentence why there is no forecast; nothing else is set then. `path` is at the end of each
    step to come, the last of it the year's end. `scores` are of one step (`step_days`), the chosen model's first, that
    of the simple one that repeats the last season behind."""

    year: int
    reason: str = ""
    step_days: int = 0
    season: int = 1
    history: int = 0
    origins: int = 0
    behaviour: str = ""
    scores: Sequence[Score] = ()
    path: Sequence[Reach] = ()
    target: Target | None = None
    chance: float | None = None


def forecast(
    reader: PaneReader,
    catalog: Catalog,
    definition: KpiDefinition,
    unit: str,
    now: datetime,
    zone: ZoneInfo,
    models: Models,
) -> Forecast:
    """Raises what `models` raises."""
    year = now.astimezone(zone).year
    if definition.window.closed:
        return Forecast(year, "The KPI speaks of a period that is over; look at the one of the running period.")
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    first_day, year_end = (
        moment.astimezone(UTC) for moment in (midnight, midnight.replace(year=year + 1, month=1, day=1))
    )
    steps = _past(reader, catalog, definition, unit, first_day, (year_end - first_day) // _DAY, zone)
    if reason := _unfit(steps, year_end):
        return Forecast(year, reason)
    own = replace(definition, min_samples=1)
    column = columns(reader, catalog, own, [unit], Stretch((first_day,), monthly=False), zone, known_now=True)
    known = Known(float(np.nan_to_num(column.value[0])), int(column.samples[0]))
    is_share = is_share_of_whole(definition, catalog.vocabulary.measures)
    return reckon(definition, steps, known, year_end, zone, models, is_share=is_share)


def reckon(
    definition: KpiDefinition,
    steps: Steps,
    known: Known,
    year_end: datetime,
    zone: ZoneInfo,
    models: Models,
    *,
    is_share: bool = False,
) -> Forecast:
    """Forecast from the past alone; the same past gives the same. `known` is of the window that runs at
    `steps.ends_at`; `is_share`: no value lies above 100."""
    kind, season, first_day = behaviour(definition), steps.season, steps.ends_at
    days = (year_end - first_day) // _DAY
    horizon = -(-days // steps.days)
    begins, ahead = backtest.origins(len(steps.values), horizon, season)
    whole = _filled(steps.values)
    made = models(
        [whole.tolist(), *(whole[:begin].tolist() for begin in begins)], [horizon, *([ahead] * len(begins))], season
    )
    actual = [steps.values[begin : begin + ahead] for begin in begins]
    scores = {model: backtest.score(model, actual, coming[1:]) for model, coming in made.items()}
    model = backtest.best(scores)
    period = season if model == list(made)[-1] else 1
    widened = scores[model].widening
    if kind is Behaviour.AMOUNT:
        widened = max(widened, _of_sums(actual, made[model][1:], period))
    bounds = bounds_of(steps.values, is_share=is_share)
    courses = np.clip(backtest.paths(made[model][0], widened, period, COURSES), bounds.least, bounds.most)
    daily = by_day(courses, steps.days, days, amount=kind is Behaviour.AMOUNT)
    weights = samples_to_come(steps.samples, season, days, steps.days)
    ends = [min(first_day + steps.days * _DAY * (step + 1), year_end) for step in range(horizon)]
    values = values_at(
        kind, daily, weights, known, first_day, ends, lambda end: definition.window.bounds(end - _MILLISECOND, zone)[0]
    )
    middle, low, high = interval(values)
    year = (year_end - _MILLISECOND).astimezone(zone).year
    target = definition.target_of(year)
    rest = [scores[name] for name in scores if name != model]
    return Forecast(
        year,
        "",
        steps.days,
        season,
        int(np.isfinite(steps.values).sum()),
        len(begins),
        kind,
        [scores[model], *rest],
        [Reach(*row) for row in zip(ends, middle.tolist(), low.tolist(), high.tolist(), strict=True)],
        target,
        chance(values[:, -1], target),
    )


def _past(
    reader: PaneReader,
    catalog: Catalog,
    definition: KpiDefinition,
    unit: str,
    until: datetime,
    days: int,
    zone: ZoneInfo,
) -> Steps:
    # Of a formula each step asks all KPIs behind it; of cases a share or a mean has no value on days when offices rest.
    daily = definition.window.kind is WindowKind.TODAY or (
        days <= _SOON_DAYS and not isinstance(definition.expression, Formula | CaseRatio | CaseTime)
    )
    length, count = (_DAY, _DAYS_BACK) if daily else (7 * _DAY, _WEEKS_BACK)
    if behaviour(definition) is Behaviour.LEVEL and definition.window.kind is WindowKind.YEAR:
        # What was to date in other years is no past of this one's.
        began, _ = definition.window.bounds(until - _MILLISECOND, zone)
        count = min(count, (until - began) // length)
    times = tuple(until - length * place for place in range(count - 1, -1, -1))
    asked = of_step(definition, length)
    kpis = (
        {kpi_id: of_step(each, length) for kpi_id, each in catalog.kpis.items()}
        if asked != definition
        else catalog.kpis
    )
    of, known = Stretch(times, monthly=False), replace(catalog, kpis=kpis)
    column = columns(reader, known, asked, [unit], of, zone, known_now=True)
    values, samples = column.value, column.samples.astype(float)
    begun = np.flatnonzero(np.isfinite(values) & (samples > 0))
    first = int(begun[0]) if len(begun) else len(values)
    return Steps(values[first:], samples[first:], until, length // _DAY)


def _unfit(steps: Steps, year_end: datetime) -> str:
    """Why nothing can be said; empty when it can."""
    of = {1: "days", 7: "weeks"}[steps.days]
    have, need = int(np.isfinite(steps.values).sum()), _LEAST[steps.days]
    if have < need:
        return f"There are values of {have} {of}; a forecast needs {need} at least."
    if have < _LEAST_KNOWN * len(steps.values):
        return f"Of {len(steps.values)} {of} only {have} have a value; a forecast needs four of five."
    horizon = -(-((year_end - steps.ends_at) // _DAY) // steps.days)
    begins, ahead = backtest.origins(len(steps.values), horizon, steps.season)
    if len(begins) < 2 or 2 * ahead < horizon:
        return f"{len(steps.values)} {of} of history are too few to try a forecast of {horizon} {of} on."
    return ""


def _filled(values: Real) -> Real:
    """Without gaps: straight lines across them."""
    places = np.arange(len(values))
    known = np.isfinite(values)
    return np.interp(places, places[known], values[known])


def _of_sums(actual: Sequence[Real], coming: Sequence[Coming], period: int) -> float:
    """What widens the interval so that it holds for sums over all steps, too: errors of days that go the same way."""
    sizes = []
    for came, made in zip(actual, coming, strict=True):
        there = np.isfinite(came)
        spread = backtest.paths(made, 1.0, period, 400)[:, there].sum(axis=1).std()
        sizes.append(np.abs(np.array([(came - made.mean)[there].sum()])) / max(float(spread), 1e-9))
    return backtest.widening(sizes)
