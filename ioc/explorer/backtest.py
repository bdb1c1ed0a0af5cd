"""Choose a forecasting model by backtest: forecasts from past moments compared with what followed. Pure.

A model returns the mean and the standard deviation of its error for each coming step. Backtests show how much larger
the real errors are, and widen the interval accordingly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]
LEVEL = 0.8
Z = 1.2815515594
"""For a normal distribution: 80 % lie within."""
ORIGINS = 8
_LEAST_ERROR = 1e-9


@dataclass(frozen=True, slots=True)
class StepForecast:
    """A forecast, one entry per step."""

    mean: Real
    deviation: Real


@dataclass(frozen=True, slots=True)
class Score:
    """A model's result over all origins.

    Mean absolute error and the share of actual values inside the interval, over the same steps. `widening` (at
    least 1) is the factor for the interval. The coverage is that of the interval widened by what the other origins
    gave.
    """

    model: str
    mae: float
    coverage: float
    widening: float


def origins(length: int, horizon: int, season: int) -> tuple[list[int], int]:
    """Return where backtests start (each knows the entries before) and how many steps each looks ahead.

    The number of steps is the horizon, or fewer with little history. Empty when there is too little for two
    backtests.
    """
    least = max(2 * season, 20)
    ahead = min(horizon, max((length - least) // 2, 0))
    if ahead < 1 or length - least - ahead < 1:
        return [], 0
    latest = length - ahead
    apart = max(min(ahead, (latest - least) // (ORIGINS - 1)), 1)
    found = [latest - apart * place for place in range(ORIGINS) if latest - apart * place >= least]
    return found[::-1], ahead


def score(model: str, actual: Sequence[Real], coming: Sequence[StepForecast]) -> Score:
    """Score a model.

    `actual` are the values after each origin, NaN where nothing was measured.
    """
    errors = [came - made.mean for came, made in zip(actual, coming, strict=True)]
    sizes = [
        np.abs(error) / np.maximum(made.deviation, _LEAST_ERROR) for error, made in zip(errors, coming, strict=True)
    ]
    within: list[Real] = []
    for place, size in enumerate(sizes):
        others = widening(sizes[:place] + sizes[place + 1 :])
        known = size[np.isfinite(size)]
        within.append((known <= Z * others).astype(float))
    flat = np.abs(np.concatenate(errors))
    return Score(
        model,
        float(np.nanmean(flat)) if np.isfinite(flat).any() else float("nan"),
        float(np.concatenate(within).mean()) if any(len(one) for one in within) else float("nan"),
        widening(sizes),
    )


def widening(sizes: Sequence[Real]) -> float:
    """Return the factor with which the interval holds LEVEL of the errors, which are given in deviations."""
    flat = np.concatenate(sizes) if sizes else np.zeros(0)
    flat = flat[np.isfinite(flat)]
    return max(1.0, float(np.quantile(flat, LEVEL)) / Z) if len(flat) else 1.0


def best(scores: Mapping[str, Score]) -> str:
    """Return the model with the least error; the first of equal ones."""
    return min(scores, key=lambda model: (scores[model].mae, list(scores).index(model)))


def paths(coming: StepForecast, widened: float, period: int, many: int, seed: int = 20250701) -> Real:
    """Simulate `many` possible courses, one per row.

    A model's errors grow because its level wanders: the variance that a step has beyond the first one is carried to
    all later steps (for a seasonal model, `period` > 1, to the same position of later seasons). Half the courses
    mirror the others, so their mean is the forecast's.
    """
    chance = np.random.default_rng(seed)
    steps = len(coming.mean)
    shock = chance.standard_normal((many // 2, steps))
    shock = np.concatenate([shock, -shock])
    variance = coming.deviation**2
    own = np.sqrt(variance[:1])
    course = np.zeros_like(shock)
    if period > 1:
        for step in range(steps):
            before = course[:, step - period] if step >= period else 0.0
            course[:, step] = before + own * shock[:, step]
    else:
        grown = np.sqrt(np.maximum(np.diff(variance, prepend=variance[:1]), 0.0))
        drift = chance.standard_normal((many // 2, steps))
        drift = np.concatenate([drift, -drift])
        course = own * shock + np.cumsum(grown * drift, axis=1)
    return np.asarray(coming.mean + widened * course)
