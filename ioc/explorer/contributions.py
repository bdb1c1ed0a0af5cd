"""Split a change into contributions of groups, or of the parts of a formula, that add up to the whole change.

For an additive amount, a group contributed the change of its own amount.

For a ratio R = ΣN / ΣD, a group has the rate r = N / D and the share w = D / ΣD. Its *rate effect* is the change of its
rate at its mean share; its *mix effect* is the change of its share times the distance of its mean rate from the mean
ratio:

(w₁ + w₀)/2 × (r₁ − r₀) and (w₁ − w₀) × ((r₁ + r₀)/2 − (R₁ + R₀)/2)

Shares add up to 1 at both times, so all effects add up to R₁ − R₀. A group that exists at only one of the times keeps
that rate at both: it is all mix.

For a formula, each part has its Shapley value: the change of the value when the part goes from before to after,
averaged over all orders of the parts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import factorial

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]
MAX_EXACT_PARTS = 10
"""Above it, two orders (forward and back) replace the mean over all orders."""


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Numerator and denominator before and after; the denominator of an amount is 1 and unused."""

    key: str
    n: tuple[float, float]
    d: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Contribution:
    """A group's contribution: `rate` and `mix` of a ratio (0 for an amount), `total`.

    Values are the group's own, None where it has none.
    """

    key: str
    before: float | None
    after: float | None
    share: tuple[float, float]
    rate: float
    mix: float
    total: float


def of_amount(groups: Sequence[ChangeGroup]) -> list[Contribution]:
    """Return the contributions to an additive amount; a group's share is that of the whole amount."""
    whole = tuple(sum(group.n[at] for group in groups) for at in (0, 1))
    return [
        Contribution(
            group.key,
            group.n[0],
            group.n[1],
            (_by(group.n[0], whole[0]), _by(group.n[1], whole[1])),
            0.0,
            0.0,
            group.n[1] - group.n[0],
        )
        for group in groups
    ]


def of_ratio(groups: Sequence[ChangeGroup], scale: float = 1.0) -> list[Contribution]:
    """Return the contributions to a ratio; rates are `scale` × n / d.

    Empty when the total denominator is 0 before or after: then there is no change to split.
    """
    there = [group for group in groups if group.d[0] > 0 or group.d[1] > 0]
    below = tuple(sum(group.d[at] for group in there) for at in (0, 1))
    if not (below[0] > 0 and below[1] > 0):
        return []
    ratio = [scale * sum(group.n[at] for group in there) / below[at] for at in (0, 1)]
    middle = (ratio[0] + ratio[1]) / 2
    found = []
    for group in there:
        share = (group.d[0] / below[0], group.d[1] / below[1])
        own = [scale * n / d if d > 0 else None for n, d in zip(group.n, group.d, strict=True)]
        before = own[0] if own[0] is not None else own[1]
        after = own[1] if own[1] is not None else own[0]
        assert before is not None
        assert after is not None
        rate = (share[0] + share[1]) / 2 * (after - before)
        mix = (share[1] - share[0]) * ((before + after) / 2 - middle)
        found.append(Contribution(group.key, own[0], own[1], share, rate, mix, rate + mix))
    return found


def largest(found: Sequence[Contribution], most: int) -> tuple[list[Contribution], Contribution | None]:
    """Return the largest contributions, and all others as one, so that the sum stays."""
    ordered = sorted(found, key=lambda one: (-abs(one.total), one.key))
    if len(ordered) <= most:
        return ordered, None
    rest = ordered[most:]
    share = (sum(one.share[0] for one in rest), sum(one.share[1] for one in rest))
    effects = (sum(one.rate for one in rest), sum(one.mix for one in rest), sum(one.total for one in rest))
    return ordered[:most], Contribution("", None, None, share, *effects)


def of_formula(
    value: Callable[[Mapping[str, Real]], Real], before: Mapping[str, float], after: Mapping[str, float]
) -> dict[str, float] | None:
    """Return the contribution of each part of a formula.

    `value` computes the formula over vectors. None when some mixture of before and after has no value (division by
    zero).
    """
    names = list(before)
    subsets = _subsets(len(names))
    taken = {name: np.where(subsets[:, place], after[name], before[name]) for place, name in enumerate(names)}
    values = value(taken)
    if not np.isfinite(values).all():
        return None
    if len(names) > MAX_EXACT_PARTS:
        steps = np.diff(values)
        forth, back = steps[: len(names)], steps[len(names) :]
        # In the reverse order, parts return to before in the order in which they came.
        return {name: float((forth[place] - back[place]) / 2) for place, name in enumerate(names)}
    size = len(names)
    counts = subsets.sum(axis=1)
    found = {}
    for place, name in enumerate(names):
        without = np.flatnonzero(~subsets[:, place])
        weight = np.array([factorial(n) * factorial(size - n - 1) / factorial(size) for n in counts[without].tolist()])
        found[name] = float((weight * (values[without + (1 << place)] - values[without])).sum())
    return found


def _subsets(size: int) -> NDArray[np.bool_]:
    """Return which parts are taken from after, one row per subset; for many parts, one order and its reverse."""
    if size <= MAX_EXACT_PARTS:
        return np.asarray((np.arange(1 << size)[:, None] >> np.arange(size)) % 2 == 1)
    places = np.arange(size)
    forth = [places < taken for taken in range(size + 1)]
    back = [places >= left for left in range(1, size + 1)]
    return np.array(list(chain(forth, back)))


def _by(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
