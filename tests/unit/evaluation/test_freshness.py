"""Freshness, and what communes give to their province."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from ioc.evaluation.aggregate_functions import NEVER, Vectors
from ioc.evaluation.freshness import INSUFFICIENT, LIVE, NO_DATA, STALE, judge, rolled_up
from ioc.model.kpi import CaseCount, KpiDefinition, MeasureAggregate, RollUp
from ioc.model.window import Window

NOW_MS = 10_000_000
MEAN = KpiDefinition(
    id="k",
    sector="s",
    name={},
    unit_of_measure="",
    window=Window.parse("today"),
    window_text="today",
    expression=MeasureAggregate("m", "mean"),
    version="1",
    fresh_within=timedelta(seconds=60),
    min_samples=3,
)
EVERYWHERE = np.arange(4)
COUNT = replace(MEAN, expression=CaseCount("job", "true"), min_samples=1)


def vectors(value: float, samples: int, age_s: float | None) -> Vectors:
    as_of = NEVER if age_s is None else NOW_MS - int(age_s * 1000)
    return Vectors(np.array([value]), np.array([samples]), np.array([as_of]), np.array([age_s is not None]))


@pytest.mark.parametrize(
    ("definition", "given", "state", "value"),
    [
        pytest.param(MEAN, vectors(5, 3, 60), LIVE, 5, id="just fresh, just enough"),
        pytest.param(MEAN, vectors(5, 3, 60.001), STALE, 5, id="a millisecond too old keeps its value"),
        pytest.param(MEAN, vectors(5, 2, 1), INSUFFICIENT, None, id="a sample short has no value"),
        pytest.param(MEAN, vectors(5, 2, 999), INSUFFICIENT, None, id="too few and too old: too few"),
        pytest.param(MEAN, vectors(np.nan, 0, None), NO_DATA, None, id="nothing"),
        pytest.param(MEAN, vectors(np.nan, 5, 1), NO_DATA, None, id="divided by zero"),
        pytest.param(MEAN, vectors(np.inf, 5, 1), NO_DATA, None, id="beyond all numbers"),
        pytest.param(MEAN, vectors(5, 3, -200), LIVE, 5, id="a clock that runs ahead"),
        pytest.param(replace(MEAN, fresh_within=None), vectors(5, 3, 10**4), LIVE, 5, id="without limit never stale"),
        pytest.param(COUNT, vectors(0, 0, 1), LIVE, 0, id="no case of a type heard of counts 0"),
        pytest.param(COUNT, vectors(0, 0, 99), STALE, 0, id="an old 0 is stale"),
        pytest.param(COUNT, vectors(0, 0, None), NO_DATA, None, id="case type never heard of is no data, not 0"),
        pytest.param(replace(COUNT, min_samples=2), vectors(0, 0, 1), INSUFFICIENT, None, id="0 where two are asked"),
    ],
)
def test_judge(definition: KpiDefinition, given: Vectors, state: int, value: float | None) -> None:
    column = judge(definition, given, NOW_MS)
    assert column.state.tolist() == [state]
    assert [None if np.isnan(v) else v for v in column.value] == [value]


@pytest.mark.parametrize(
    ("worst_part", "state"),
    [
        pytest.param(LIVE, LIVE, id="live parts"),
        pytest.param(STALE, STALE, id="as stale as its stalest part"),
        pytest.param(INSUFFICIENT, INSUFFICIENT, id="insufficient part"),
        pytest.param(NO_DATA, NO_DATA, id="part without data"),
    ],
)
def test_a_formula_is_no_better_than_its_worst_part(worst_part: int, state: int) -> None:
    column = judge(MEAN, vectors(5, 3, 1), NOW_MS, np.array([worst_part], np.int8))
    assert column.state.tolist() == [state]


UNITS = Vectors(
    value=np.array([np.nan, 4.0, 8.0, np.nan]),
    samples=np.array([0, 3, 5, 0]),
    as_of=np.array([NEVER, NOW_MS - 5, NOW_MS - 9, NEVER]),
    present=np.array([False, True, True, False]),
)


@pytest.mark.parametrize(
    ("roll_up", "value", "samples"),
    [
        pytest.param(RollUp.SUM, 12, 8, id="sum of communes with a value"),
        pytest.param(RollUp.MEAN, 6, 8, id="mean of communes with a value"),
        pytest.param(RollUp.NONE, None, 0, id="none: the province has its own data only"),
    ],
)
def test_rolled_up(roll_up: RollUp, value: float | None, samples: int) -> None:
    column = judge(MEAN, rolled_up(replace(MEAN, roll_up=roll_up), UNITS, NOW_MS, EVERYWHERE), NOW_MS)
    assert (None if np.isnan(column.value[0]) else column.value[0], column.samples[0]) == (value, samples)
    assert column.value[1:3].tolist() == [4, 8]


def test_a_commune_with_too_few_samples_gives_nothing_to_a_sum() -> None:
    few = replace(UNITS, samples=np.array([0, 2, 5, 0]))
    assert rolled_up(replace(MEAN, roll_up=RollUp.SUM), few, NOW_MS, EVERYWHERE).value[0] == 8


def test_a_unit_that_the_kpi_does_not_speak_of_gives_nothing_to_a_sum() -> None:
    assert rolled_up(replace(MEAN, roll_up=RollUp.SUM), UNITS, NOW_MS, np.array([0, 2])).value[0] == 8
