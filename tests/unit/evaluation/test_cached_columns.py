"""A judged column is kept exactly as long as judging it anew would give the same."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from ioc.evaluation.aggregate_functions import NEVER, Vectors
from ioc.evaluation.freshness import CachedColumn, judge
from tests.support.catalogs import hue

NOW = 1_800_000_000_000
KPI = replace(hue().kpis["dossier.open"], fresh_within=timedelta(minutes=1))
VECTORS = Vectors(
    np.array([1.0, 2.0, 3.0]),
    np.array([5, 5, 5]),
    np.array([NOW - 10_000, NOW - 90_000, NEVER]),
    np.array([True, True, True]),
)


@pytest.mark.parametrize(
    ("later_ms", "holds"),
    [
        pytest.param(0, True, id="the same moment"),
        pytest.param(50_000, True, id="the newest is just fresh"),
        pytest.param(50_001, False, id="the newest has grown stale"),
        pytest.param(-1, False, id="the clock was set back"),
    ],
)
def test_it_holds_until_a_value_grows_stale(later_ms: int, holds: bool) -> None:
    judged = CachedColumn.of(KPI, (VECTORS,), False, judge(KPI, VECTORS, NOW), NOW)
    assert judged.holds((VECTORS,), False, NOW + later_ms) is holds
    anew = judge(KPI, VECTORS, NOW + later_ms).state
    if holds:
        assert anew.tolist() == judged.column.state.tolist()


def test_other_arrays_and_other_hearsay_are_judged_anew() -> None:
    judged = CachedColumn.of(KPI, (VECTORS,), False, judge(KPI, VECTORS, NOW), NOW)
    assert not judged.holds((replace(VECTORS),), False, NOW)
    assert not judged.holds((VECTORS,), True, NOW)
