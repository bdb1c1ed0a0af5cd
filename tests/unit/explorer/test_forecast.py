"""Forecasts to the year's end: known series, the interval's coverage, the chance against a simulation."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from ioc.explorer import backtest
from ioc.explorer.backtest import Real, StepForecast
from ioc.explorer.forecast import Forecast, KpiPast, Steps, forecast_from
from ioc.explorer.models import BASELINE, forecasts
from ioc.explorer.outlook import WindowSoFar, is_share_of_whole
from ioc.model.kpi import CaseCount, CaseRatio, Expression, Formula, KpiDefinition, MeasureAggregate, Target
from ioc.model.measure import Measure, MeasureKind
from ioc.model.window import Window
from ioc.settings import VIETNAM

TODAY = datetime(2026, 11, 22, 17, tzinfo=UTC)
"""Midnight in the province: 39 days are left of the year."""
YEAR_END = datetime(2026, 12, 31, 17, tzinfo=UTC)
DAYS = 39
RECEIVED = CaseCount("dossier", "true", "received_at")
ON_TIME = CaseRatio("dossier", "status = 'closed'", "true", "received_at")
LEVEL = MeasureAggregate("level", "last")
MEASURES = {
    "filled": Measure("filled", {"vi": "Đầy"}, "%", MeasureKind.GAUGE, 0, 100),
    "growth": Measure("growth", {"vi": "Tăng"}, "%", MeasureKind.GAUGE, -50, 200),
}


def kpi(expression: Expression, window: str, **other: object) -> KpiDefinition:
    names = {"vi": "Chỉ tiêu", "en": "KPI"}
    return replace(
        KpiDefinition("k", "s", names, "1", Window.parse(window), window, expression, "v"),
        **other,  # type: ignore[arg-type]
    )


def known(series: Sequence[Sequence[float]], ahead: Sequence[int], season: int) -> dict[str, list[StepForecast]]:
    """Models that repeat the last season; the first knows the error exactly."""
    found: dict[str, list[StepForecast]] = {}
    for name, deviation in (("Exact", 1.0), (BASELINE, 1.5)):
        found[name] = [
            StepForecast(np.resize(np.array(values[-season:]), steps), np.full(steps, deviation))
            for values, steps in zip(series, ahead, strict=True)
        ]
    return found


def weekly(days: int) -> Real:
    return 100 + 20 * np.sin(np.arange(days) * 2 * np.pi / 7)


def reckoned(  # type: ignore[no-untyped-def]
    definition: KpiDefinition,
    past: Real,
    so_far: WindowSoFar = WindowSoFar(0, 0),  # noqa: B008 - frozen
    models=known,
    days: int = 1,
) -> Forecast:
    steps = Steps(past, np.full(len(past), 10.0), TODAY, days)
    is_share = is_share_of_whole(definition, MEASURES)
    return forecast_from(definition, KpiPast(steps, so_far, is_share), YEAR_END, VIETNAM, models)


def test_a_year_to_date_is_what_is_known_and_what_is_to_come() -> None:
    past = weekly(364)
    made = reckoned(kpi(RECEIVED, "year"), past, WindowSoFar(30_000, 30_000))
    expected = 30_000 + np.resize(past[-7:], DAYS).sum()
    assert made.path[-1].time == YEAR_END
    assert made.path[-1].value == pytest.approx(expected, rel=1e-3)
    assert made.path[-1].low < expected < made.path[-1].high
    assert len(made.path) == DAYS


def test_a_month_to_date_begins_anew_in_december() -> None:
    made = reckoned(kpi(RECEIVED, "month"), np.full(364, 100.0), WindowSoFar(2_200, 2_200))
    values = {reach.time.astimezone(VIETNAM).strftime("%m-%d"): reach.value for reach in made.path}
    assert values["11-24"] == pytest.approx(2_300, abs=3)
    assert values["12-02"] == pytest.approx(100, abs=3)
    assert made.path[-1].value == pytest.approx(3_100, abs=20)


def test_a_ratio_weighs_what_is_known() -> None:
    made = reckoned(kpi(ON_TIME, "year"), np.full(364, 80.0), WindowSoFar(100.0, 3_900))
    assert made.path[-1].value == pytest.approx((100 * 3_900 + 80 * 10 * DAYS) / (3_900 + 10 * DAYS), abs=0.1)


@pytest.mark.parametrize("height", [99.9, 0.2])
def test_a_share_stays_within_0_and_100(height: float) -> None:
    def wild(series: Sequence[Sequence[float]], ahead: Sequence[int], season: int) -> dict[str, list[StepForecast]]:
        return {BASELINE: [StepForecast(np.full(steps, height), np.full(steps, 30.0)) for steps in ahead]}

    made = reckoned(kpi(ON_TIME, "month"), np.clip(weekly(364) - 100 + height, 0, 100), WindowSoFar(height, 200), wild)
    assert all(0 <= reach.low <= reach.value <= reach.high <= 100 for reach in made.path)


def test_a_plan_can_be_exceeded() -> None:
    """The rise by 2 a week goes on: at the year's end, less than six weeks after 93.3 %, it is beyond 100 %."""

    def rising(series: Sequence[Sequence[float]], ahead: Sequence[int], season: int) -> dict[str, list[StepForecast]]:
        made = [
            StepForecast(values[-1] + 2.0 * np.arange(1, steps + 1, dtype=np.float64), np.full(steps, 0.5))
            for values, steps in zip(series, ahead, strict=True)
        ]
        return {BASELINE: made}

    past = np.concatenate([np.linspace(2.0, 81.4, 40), [83.3, 85.5, 87.6, 89.5, 91.5, 93.3]])
    plan = kpi(Formula("100 * spent / planned", ("spent", "planned")), "now", unit_of_measure="%")
    plan = replace(plan, targets=(Target(2026, at_least=100.0),))
    end = reckoned(plan, past, models=rising, days=7)
    assert end.path[-1].value == pytest.approx(93.3 + 12, abs=0.1)
    assert 104 < end.path[-1].low < end.path[-1].value < end.path[-1].high < 107
    share = reckoned(replace(plan, share=True), past, models=rising, days=7)
    assert share.path[-1].high == 100


@pytest.mark.parametrize(
    ("expression", "other", "expected"),
    [
        pytest.param(ON_TIME, {}, True, id="cases among cases"),
        pytest.param(MeasureAggregate("filled", "mean"), {}, True, id="a gauge of at most 100"),
        pytest.param(MeasureAggregate("growth", "last"), {}, False, id="a gauge without a limit"),
        pytest.param(MeasureAggregate("filled", "mean"), {"unit_of_measure": "m"}, False, id="not in %"),
        pytest.param(MeasureAggregate("filled", "sum"), {}, False, id="a sum of shares"),
        pytest.param(Formula("100 * a / b", ("a", "b")), {}, False, id="a formula: b may be a plan"),
        pytest.param(Formula("100 * a / b", ("a", "b")), {"share": True}, True, id="a formula that is called a share"),
    ],
)
def test_only_a_share_of_a_whole_is_bounded(expression: Expression, other: dict[str, object], expected: bool) -> None:
    assert is_share_of_whole(kpi(expression, "month", **{"unit_of_measure": "%", **other}), MEASURES) is expected


def test_the_best_model_is_chosen_and_said_beside_the_simple_one() -> None:
    def two(series: Sequence[Sequence[float]], ahead: Sequence[int], season: int) -> dict[str, list[StepForecast]]:
        right = known(series, ahead, season)["Exact"]
        wrong = [StepForecast(coming.mean + 5, coming.deviation) for coming in right]
        return {"Wrong": wrong, "Right": right, BASELINE: wrong}

    made = reckoned(kpi(LEVEL, "now"), weekly(364), models=two)
    assert [score.model for score in made.scores] == ["Right", "Wrong", BASELINE]
    assert made.scores[0].mae == pytest.approx(0, abs=1e-9)
    assert made.scores[1].mae == pytest.approx(5)
    assert made.scores[1].widening == pytest.approx(5 / backtest.Z)


def test_errors_larger_than_the_model_thinks_widen_the_interval() -> None:
    chance = np.random.default_rng(3)
    past = 50 + 4 * chance.standard_normal(364)

    def sure(series: Sequence[Sequence[float]], ahead: Sequence[int], season: int) -> dict[str, list[StepForecast]]:
        return {BASELINE: [StepForecast(np.full(steps, 50.0), np.full(steps, 1.0)) for steps in ahead]}

    made = reckoned(kpi(LEVEL, "now"), past, models=sure)
    assert made.scores[0].widening == pytest.approx(4, rel=0.15)
    assert made.scores[0].coverage == pytest.approx(0.8, abs=0.06)


def test_gaps_are_bridged_and_not_counted_as_errors() -> None:
    past = weekly(364)
    past[100:130] = np.nan
    made = reckoned(kpi(LEVEL, "now"), past)
    assert made.history == 334
    assert made.scores[0].mae < 3


def test_the_same_past_gives_the_same_forecast() -> None:
    definition = kpi(RECEIVED, "year", targets=(Target(2026, at_least=34_000),))
    assert reckoned(definition, weekly(364), WindowSoFar(30_000, 1)) == reckoned(
        definition, weekly(364), WindowSoFar(30_000, 1)
    )


@pytest.mark.parametrize("above", [-1.5, -0.5, 0.0, 0.8])
def test_the_chance_is_that_of_a_simulation(above: float) -> None:
    """A level that wanders by 1 a day: after 39 days its deviation is √39; seen from the mean, `above` deviations."""

    def walk(series: Sequence[Sequence[float]], ahead: Sequence[int], season: int) -> dict[str, list[StepForecast]]:
        return {
            "Walk": [
                StepForecast(np.full(n, values[-1]), np.sqrt(np.arange(1.0, n + 1)))
                for values, n in zip(series, ahead, strict=True)
            ],
            BASELINE: [StepForecast(np.full(n, -1e6), np.ones(n)) for n in ahead],
        }

    chance = np.random.default_rng(8)
    past = 1000 + np.cumsum(chance.standard_normal(400))
    goal = past[-1] + above * np.sqrt(DAYS)
    definition = kpi(LEVEL, "now", targets=(Target(2026, at_least=float(goal)),))
    made = reckoned(definition, past, models=walk)
    ends = past[-1] + np.cumsum(chance.standard_normal((20_000, DAYS)), axis=1)[:, -1]
    # The spread is widened by what the backtest says, for this past a little.
    widened = past[-1] + (ends - past[-1]) * made.scores[0].widening
    assert made.chance == pytest.approx((widened >= goal).mean(), abs=0.03)


def test_sums_of_days_wander_as_their_days_do() -> None:
    """The deviation of a sum of independent days is that of one times the root of their number."""
    drawn = backtest.paths(StepForecast(np.zeros(39), np.full(39, 2.0)), 1.0, 1, 4000)
    assert drawn.sum(axis=1).std() == pytest.approx(2 * np.sqrt(39), rel=0.05)
    assert drawn.mean() == pytest.approx(0, abs=1e-9)


def test_the_models_know_a_season_and_the_interval_holds_what_comes() -> None:
    """The real models on four series with a weekly season, a wandering level and noise; one call for all."""
    chance = np.random.default_rng(21)
    days, left, count = 140, 28, 4
    level = 100 + np.cumsum(chance.normal(0, 0.2, (count, days + left)), axis=1)
    whole = level + 20 * np.sin(np.arange(days + left) * 2 * np.pi / 7) + chance.normal(0, 4, (count, days + left))
    made = forecasts(whole[:, :days].tolist(), [left] * count, 7)
    truth = whole[:, days:]
    errors = {
        model: np.mean([np.abs(c.mean - t).mean() for c, t in zip(coming, truth, strict=True)])
        for model, coming in made.items()
    }
    assert list(made) == ["AutoETS", "MSTL", BASELINE]
    assert min(errors["AutoETS"], errors["MSTL"]) < 0.9 * errors[BASELINE]
    held = np.mean(
        [np.abs(t - c.mean) <= backtest.Z * c.deviation for c, t in zip(made["AutoETS"], truth, strict=True)]
    )
    assert 0.6 <= held <= 0.95


def test_the_models_do_without_a_season() -> None:
    """A year of weeks is too short for the season of a year."""
    [straight, level] = [60 + 0.5 * np.arange(52), np.full(52, 97.0)]
    made = forecasts([straight.tolist(), level.tolist()], [6, 6], 1)
    assert list(made) == ["AutoETS", BASELINE]
    assert made["AutoETS"][0].mean == pytest.approx(60 + 0.5 * np.arange(52, 58), abs=0.5)
    assert made["AutoETS"][1].mean == pytest.approx(np.full(6, 97.0), abs=0.1)


@pytest.mark.parametrize(
    ("length", "horizon", "season", "begins", "ahead"),
    [
        pytest.param(364, 39, 7, 8, 39, id="a year, eight times"),
        pytest.param(60, 39, 7, 8, 20, id="little: not so far ahead"),
        pytest.param(21, 39, 7, 0, 0, id="too little"),
    ],
)
def test_where_backtests_begin(length: int, horizon: int, season: int, begins: int, ahead: int) -> None:
    found, steps = backtest.origins(length, horizon, season)
    assert (len(found), steps) == (begins, ahead)
    assert all(start + steps <= length for start in found)
