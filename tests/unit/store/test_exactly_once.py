"""Which output is applied when: exactly once, in the order of the source's offsets."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from ioc.store.exactly_once import Fences, Output, PartitionProgress, judge_missing
from ioc.wire.headers import OutputHeaders
from tests.support.store_batches import one_pane

ROWS = one_pane(1)


def output(offset: int, place: int, *, generation: int = 1, sequence: int = 0, source: str = "s") -> Output:
    head = OutputHeaders("ioc.readings.v1", 0, offset, source, generation, sequence, 1, 1, 0, {}, 0)
    return Output(head, ROWS, place)


@pytest.mark.parametrize(
    ("arrivals", "applied", "gap", "resume"),
    [
        pytest.param([0, 1, 2], [0, 1, 2], None, 3, id="in order, each is applied at once"),
        pytest.param([0, 0, 1, 0, 1], [0, 1], None, 5, id="a replayed output is dropped"),
        pytest.param([0, 2, 3], [0], (1, 2), 1, id="what is ahead waits, and is read again after a restart"),
        pytest.param([2, 3, 0], [0], (1, 2), 0, id="the gap ends at the lowest that waits"),
        pytest.param([2, 1, 0], [0, 1, 2], None, 3, id="what waited follows the missing one in order"),
        pytest.param([2, 2, 1, 0, 2], [0, 1, 2], None, 5, id="what waits twice is applied once"),
    ],
)
def test_take(arrivals: list[int], applied: list[int], gap: tuple[int, int] | None, resume: int) -> None:
    progress = PartitionProgress(0, 0)
    taken = [o.headers.offset for place, offset in enumerate(arrivals) for o in progress.accept(output(offset, place))]
    assert (taken, progress.gap, progress.resume_offset) == (applied, gap, resume)


def several(offset: int, inputs: int, place: int) -> Output:
    one = output(offset, place)
    return Output(replace(one.headers, inputs=inputs), ROWS, place)


@pytest.mark.parametrize(
    ("arrivals", "applied", "next_offset"),
    [
        pytest.param([(0, 1), (1, 3), (4, 1)], [0, 1, 4], 5, id="one output for a batch that cannot be read"),
        pytest.param([(0, 1), (4, 1), (1, 3)], [0, 1, 4], 5, id="what is behind the batch waits for it"),
        pytest.param([(0, 1), (1, 3), (1, 3), (2, 1)], [0, 1], 4, id="again, whole or in part"),
        pytest.param([(0, 1), (1, 1), (1, 3), (4, 1)], [0, 1, 1, 4], 5, id="a part was answered before"),
        pytest.param([(2, 3), (3, 1), (0, 2)], [0, 2], 5, id="what waits within another is answered by it"),
    ],
)
def test_outputs_that_answer_several_inputs(
    arrivals: list[tuple[int, int]], applied: list[int], next_offset: int
) -> None:
    progress = PartitionProgress(0, 0)
    taken = [
        one.headers.offset
        for place, (offset, inputs) in enumerate(arrivals)
        for one in progress.accept(several(offset, inputs, place))
    ]
    assert (taken, progress.next_offset, progress.gap) == (applied, next_offset, None)


@pytest.mark.parametrize(
    ("unreadable_at", "gap"),
    [pytest.param(1, (1, 2), id="before the output that waits"), pytest.param(3, None, id="behind it")],
)
def test_a_gap_is_told_from_an_output_that_cannot_be_read(unreadable_at: int, gap: tuple[int, int] | None) -> None:
    progress = PartitionProgress(0, 0)
    progress.accept(output(0, 0))
    if unreadable_at == 1:
        progress.set_aside(1)
    progress.accept(output(2, 2))
    if unreadable_at == 3:
        progress.set_aside(3)
    assert progress.gap == (1, 2)
    assert progress.unreadable_gap == gap


@pytest.mark.parametrize("seed", range(20))
def test_any_order_and_repetition_within_a_bound_of_memory_applies_each_once_in_order(seed: int) -> None:
    rng = random.Random(seed)
    log = [rng.randrange(40) for _ in range(120)]
    log += [offset for offset in range(40) if offset not in log]
    progress = PartitionProgress(0, 0, max_held_bytes=ROWS.nbytes * 3)
    taken, place, reads = [], 0, 0
    while place < len(log):
        taken += [o.headers.offset for o in progress.accept(output(log[place], place))]
        place, reads = place + 1, reads + 1
        assert len(progress.held) <= 4
        assert reads < 10_000
        if (back := progress.rewind()) is not None:
            assert back < place
            place = back
    assert taken == list(range(40))
    assert progress.gap is None


def test_what_was_let_go_is_read_again_after_a_restart() -> None:
    progress = PartitionProgress(0, 0, max_held_bytes=0)
    for place, offset in enumerate([3, 1, 2]):
        progress.accept(output(offset, place))
    assert progress.resume_offset == 0


def test_a_hole_of_the_broker_releases_what_waits() -> None:
    progress = PartitionProgress(5, 0)
    assert progress.accept(output(7, 0)) == []
    assert [o.headers.offset for o in progress.skip_to(7)] == [7]
    assert progress.next_offset == 8


@pytest.mark.parametrize(
    ("start", "first", "lost", "skip_to"),
    [
        pytest.param(0, 5, None, None, id="the input is there: its output is still to come"),
        pytest.param(0, 6, None, 6, id="a transaction's marker, nothing lost"),
        pytest.param(0, 12, None, 9, id="a hole up to what waits is skipped no further"),
        pytest.param(7, 7, (5, 7), 7, id="expired records are lost"),
        pytest.param(7, 8, (5, 7), 8, id="expired records, then a hole"),
        pytest.param(50, None, (5, 9), 9, id="all expired, no more than what is missing counts as lost"),
        pytest.param(0, None, None, 9, id="only markers up to the end"),
    ],
)
def test_judge_missing(start: int, first: int | None, lost: tuple[int, int] | None, skip_to: int | None) -> None:
    missing = judge_missing(5, 9, start, first)
    assert (missing.lost, missing.skip_to) == (lost, skip_to)


@pytest.mark.parametrize(
    ("batches", "admitted"),
    [
        pytest.param([(1, 0), (1, 1), (1, 2)], [True, True, True], id="a writer's batches in order"),
        pytest.param([(1, 0), (1, 1), (1, 1)], [True, True, False], id="a batch sent again"),
        pytest.param([(1, 5), (2, 0), (1, 6)], [True, True, False], id="a dead writer behind its successor"),
        pytest.param([(1, 5), (2, 0), (2, 1)], [True, True, True], id="a successor begins its own sequence"),
        pytest.param([(0, 0), (0, 0), (0, 0)], [True, True, True], id="a foreign producer is never refused"),
        pytest.param([(3, 0), (0, 0), (2, 9)], [True, True, False], id="a foreign batch does not lower the fence"),
    ],
)
def test_fences(batches: list[tuple[int, int]], admitted: list[bool]) -> None:
    fences = Fences()
    assert [fences.admits(output(0, 0, generation=g, sequence=s).headers) for g, s in batches] == admitted


def test_each_source_has_its_own_fence() -> None:
    fences = Fences()
    assert fences.admits(output(0, 0, generation=9, source="a").headers)
    assert fences.admits(output(0, 0, generation=1, source="b").headers)
