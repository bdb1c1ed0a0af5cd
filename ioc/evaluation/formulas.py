"""Evaluate formulas over vectors of KPI values and constants."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ioc.catalog.formulas import FormulaPart, Number, Scale, Term
from ioc.model.kpi import Constant

Real = NDArray[np.float64]
_FOLDS = {"+": np.add, "-": np.subtract, "*": np.multiply, "min": np.minimum, "max": np.maximum}


def compute(term: Term, values: Mapping[str, Real], when_zero: float | None) -> Real:
    """Return the formula's values; NaN where a part has none.

    A division by zero gives `when_zero`, or NaN when that is None.
    """
    with np.errstate(all="ignore"):
        value, by_zero = _compute(term, values)
    value = np.broadcast_to(value, np.broadcast(value, *values.values()).shape).copy()
    missing = reduce(np.logical_or, [np.isnan(part) for part in values.values()])
    value[~np.isfinite(value) | missing] = np.nan
    value[by_zero & ~missing] = np.nan if when_zero is None else when_zero
    return value


def _compute(term: Term, values: Mapping[str, Real]) -> tuple[Real, NDArray[np.bool_]]:
    if isinstance(term, Number):
        return np.array(term.value), np.array(False)
    if isinstance(term, FormulaPart):
        return values[term.id], np.array(False)
    if isinstance(term, Scale):
        scaled, by_zero = _compute(term.operand, values)
        positions, heights = np.array(term.points).T
        return np.interp(scaled, positions, heights), by_zero
    value, by_zero = _compute(term.operands[0], values)
    for operand in term.operands[1:]:
        other, other_by_zero = _compute(operand, values)
        by_zero = by_zero | other_by_zero
        if term.sign == "/":
            by_zero = by_zero | (other == 0)
            value = value / other
        else:
            value = _FOLDS[term.sign](value, other)
    return value, by_zero


def in_force(
    constants: Mapping[str, Constant], ids: Iterable[str], window_ends: Sequence[datetime], zone: ZoneInfo
) -> dict[str, Real]:
    """Return the constants in force on the last day of each window, one entry per window; NaN where there is none.

    The end of a window is exclusive.
    """
    days = [(end - timedelta(microseconds=1)).astimezone(zone).date() for end in window_ends]
    held = {constant_id: [constants[constant_id].at(day) for day in days] for constant_id in ids}
    return {
        constant_id: np.array([np.nan if value is None else value for value in values])
        for constant_id, values in held.items()
    }
