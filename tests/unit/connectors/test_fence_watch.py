"""Which messages of a partition are others', by the offsets of the own ones."""

import pytest

from connectors.fence_watch import OwnOffsets, Run


@pytest.mark.parametrize(
    ("own", "runs"),
    [
        pytest.param([], [], id="nothing was sent"),
        pytest.param([100, 101, 102], [], id="nobody else has written"),
        pytest.param([100, 103], [(101, 103)], id="two messages of another"),
        pytest.param([104], [(100, 104)], id="others first"),
        pytest.param([100, 103, 105], [(101, 105)], id="near runs are read as one"),
        pytest.param([100, 103, 150], [(101, 103), (104, 150)], id="a run that touches none"),
    ],
)
def test_runs_of_others(own: list[int], runs: list[Run]) -> None:
    found = OwnOffsets(100, set(own)).runs_of_others()
    assert [offset for first, end in runs for offset in range(first, end) if offset not in own] == [
        offset for first, end in found for offset in range(first, end) if offset not in own
    ]
    assert len(found) <= len(runs)


def test_what_was_looked_at_is_forgotten() -> None:
    own = OwnOffsets(100, {100, 104, 107})
    own.forget_below(105)
    assert (own.runs_of_others(), own.own) == ([(105, 107)], {107})
