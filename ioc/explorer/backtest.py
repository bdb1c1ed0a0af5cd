"""Which model to trust with a series, and how far: forecasts from moments of the past against what then came.

Pure. A model gives for each coming step its mean and the standard deviation of its error; what it does not know of the
error (that it is larger in truth than the model thinks) is measured here and widens the interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]
LEVEL = 0.8
Z = 1.2815515594
"""Of the normal distribution: 80 % lie within."""
ORIGINS = 8
_LEAST_ERROR = 1e-9


@dataclass(frozen=True, slots=True)
class Coming:
    """One entry a step."""

    mean: Real
    deviation: Real


@dataclass(frozen=True, slots=True)
class Score:
    """Of one model over all origins: mean absolute error, the share of what came that lay within the interval, both
    over the same steps; `widening` is what the interval must be multiplied by, at least 1. The coverage is that of the
    interval as widened by what the other origins said."""

    model: str
    mae: float
    coverage: float
    widening: float


def origins(length: int, horizon: int, season: int) -> tuple[list[int], int]:
    """Where the backtests begin (each knows the entries before) and how many steps each looks ahead: the horizon, or
    less where there is little history. Empty when there is too little for two of them."""
    least = max(2 * season, 20)
    ahead = min(horizon, max((length - least) // 2, 0))
    if ahead < 1 or length - least - ahead < 1:
        return [], 0
    latest = length - ahead
    apart = max(min(ahead, (latest - least) // (ORIGINS - 1)), 1)
    found = [latest - apart * place for place in range(ORIGINS) if latest - apart * place >= least]
    return found[::-1], ahead


def score(model: str, actual: Sequence[Real], coming: Sequence[Coming]) -> Score:
    """`actual` are what came after each origin, NaN where nothing was measured."""
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
    """What makes the interval hold LEVEL of the errors, given in deviations."""
    flat = np.concatenate(sizes) if sizes else np.zeros(0)
    flat = flat[np.isfinite(flat)]
    return max(1.0, float(np.quantile(flat, LEVEL)) / Z) if len(flat) else 1.0


def best(scores: Mapping[str, Score]) -> str:
    """The least error; of equal ones the first."""
    return min(scores, key=lambda model: (scores[model].mae, list(scores).index(model)))


def paths(coming: Coming, widened: float, period: int, many: int, seed: int = 20250701) -> Real:
    """`many` courses that things may take, a row each. A model's errors grow because its level wanders: the variance
    that a step has more than the first one is carried on to all later steps (of a seasonal model, `period` > 1, to the
    same place of later seasons). Half the courses mirror the others, so that their mean is the forecast's."""
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
