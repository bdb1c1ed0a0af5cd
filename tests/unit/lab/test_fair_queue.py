"""Order of the query queue: people take turns, and the queue is bounded."""

import pytest

from ioc.lab.fair_queue import MAX_WAITING, MAX_WAITING_PER_PERSON, FairQueue, QueueFull


@pytest.mark.parametrize(
    ("asked", "running", "order"),
    [
        pytest.param("a1 a2 a3 b1", [], "a1 b1 a2 a3", id="one with many waits behind another's first"),
        pytest.param("a1 b1 a2 b2 c1", [], "a1 b1 c1 a2 b2", id="each in turn"),
        pytest.param("a1 b1", ["a"], "b1 a1", id="who has one under way lets another go first"),
        pytest.param("a1 a2", ["a"], "a1 a2", id="nobody else waits"),
        pytest.param("", [], "", id="nothing waits"),
    ],
)
def test_order(asked: str, running: list[str], order: str) -> None:
    turns: FairQueue[str] = FairQueue()
    for item in asked.split():
        turns.put(item[0], item)
    taken = []
    while (one := turns.take(running)) is not None:
        taken.append(one[1])
    assert " ".join(taken) == order


def test_places_are_told_as_they_will_be_taken() -> None:
    turns: FairQueue[str] = FairQueue()
    for item in ("a1", "a2", "b1"):
        turns.put(item[0], item)
    assert [turns.ahead_of(item) for item in ("a1", "b1", "a2")] == [0, 1, 2]
    assert turns.remove("a1")
    assert not turns.remove("a1")
    assert turns.ahead_of("a2") == 0


def test_neither_one_person_nor_all_together_fill_it() -> None:
    turns: FairQueue[int] = FairQueue()
    for number in range(MAX_WAITING_PER_PERSON):
        turns.put("a", number)
    with pytest.raises(QueueFull, match="of your queries are already queued"):
        turns.put("a", 99)
    for number in range(MAX_WAITING - MAX_WAITING_PER_PERSON):
        turns.put(f"p{number // MAX_WAITING_PER_PERSON}", number)
    with pytest.raises(QueueFull, match="queries are already queued"):
        turns.put("late", 1)
    assert len(turns) == MAX_WAITING
