"""A row that a source repeats counts once; rows that were refused are tried again after a correction."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime

import pytest

from connectors.batching import Intake
from connectors.deduplication import unmarked
from connectors.known_keys import KeyRows, KnownKeys
from connectors.row_keys import RowCounter
from ioc.clock import FixedClock
from ioc.wire.compact_json import kept_json
from tests.support.page_rows import MISSPELT, SPEED, VEHICLES, PageTaker, mapping, row


def outcome(intake: Intake) -> tuple[int, int, int]:
    """Accepted, duplicate, refused."""
    return intake.readings.num_rows if intake.readings else 0, intake.duplicate, len(intake.rejections)


@pytest.mark.parametrize("seed", range(5))
def test_each_event_counts_once_whatever_rounds_bring_it(seed: int) -> None:
    """Rounds are windows over a growing list with equal rows, cut into pages at random."""
    rng = random.Random(seed)
    taker, one = PageTaker(), mapping(VEHICLES)
    events = [row(rng.randrange(5)) for _ in range(300)]
    accepted = 0
    for _ in range(8):
        counter, place = RowCounter(), 0
        reached = rng.randrange(100, 301)
        while place < reached:
            size = rng.randrange(1, 80)
            accepted += outcome(taker.take(events[place : min(place + size, reached)], one, counter))[0]
            place += size
    counter = RowCounter()
    accepted += outcome(taker.take(events, one, counter))[0]
    # Equal rows are told apart by their number, so that a window's count of each is its most in any round.
    assert accepted == sum(Counter(event["n"] for event in events).values()) == len(events)


def test_a_page_that_was_not_taken_is_counted_once() -> None:
    taker, one, counter = PageTaker(), mapping(VEHICLES), RowCounter()
    rows = [row(1), row(1), row(2)]
    counter.keys([kept_json(r) for r in rows])  # the writer had no room: the page comes again
    assert outcome(taker.take(rows, one, counter)) == (3, 0, 0)
    assert outcome(taker.take(rows, one, counter)) == (3, 0, 0), "as another page of the same round"
    assert outcome(taker.take([*rows, *rows], one, RowCounter())) == (0, 6, 0)


def test_what_was_refused_is_tried_again_only_after_a_mend() -> None:
    """A row of two records, one of a misspelt measure."""
    taker = PageTaker()
    rows = [row(1), row(2)]
    assert outcome(taker.take(rows, mapping(VEHICLES, MISSPELT), RowCounter())) == (2, 0, 2)
    assert outcome(taker.take(rows, mapping(VEHICLES, MISSPELT), RowCounter())) == (0, 2, 0), "not again each round"
    assert outcome(taker.take(rows, mapping(VEHICLES, SPEED), RowCounter(), configuration=2)) == (2, 2, 0)
    assert outcome(taker.take(rows, mapping(VEHICLES, SPEED), RowCounter(), configuration=2)) == (0, 2, 0)
    assert outcome(taker.take(rows, mapping(VEHICLES, SPEED), RowCounter(), configuration=3)) == (0, 2, 0)


def test_a_time_in_the_future_is_tried_again_each_round() -> None:
    taker, one = PageTaker(), mapping(VEHICLES)
    early = [row(1, at="2026-11-22T16:00:00+07:00")]
    assert outcome(taker.take(early, one, RowCounter())) == (0, 0, 1)
    taker.context.clock = FixedClock(datetime(2026, 11, 22, 9, 0, tzinfo=UTC))
    assert outcome(taker.take(early, one, RowCounter())) == (1, 0, 0)


def test_of_corrections_only_the_round_before_is_compared() -> None:
    """A value that comes back is a correction back."""
    taker, one = PageTaker(compares_all=False), mapping(VEHICLES)
    taken = [
        outcome(taker.take([row(n)], one, RowCounter(), number=i + 1))[0] for i, n in enumerate((5, 5, 7, 7, 5, 5))
    ]
    assert taken == [1, 0, 1, 0, 1, 0]


def test_forgotten_keys_do_not_undo_others() -> None:
    known = KnownKeys()
    some = RowCounter().keys([b"a", b"b", b"a"])
    assert len(set(some.tolist())) == 3
    known.classify(KeyRows(some, unmarked(some).marks))
    known.forget(some[:1])
    assert known.knows(some)[0].tolist() == [False, True, True]
