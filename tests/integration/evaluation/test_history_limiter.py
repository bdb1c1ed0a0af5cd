"""A history that nobody waits for any more, or that takes too long, is cancelled; few are computed at once."""

from __future__ import annotations

from threading import Event, Thread
from time import monotonic

import duckdb
import pytest

from ioc.evaluation.history_limiter import MAX_CONCURRENT, HistoryLimiter, HistoryStopped

ENDLESS = "SELECT count(*) FROM range(10_000_000_000) a, range(10_000_000_000) b WHERE a.range + b.range = 7"


def test_a_query_is_broken_off_when_its_client_has_gone() -> None:
    gone, began = Event(), monotonic()
    gone.set()
    with (
        duckdb.connect() as cursor,
        pytest.raises(HistoryStopped),
        HistoryLimiter().run(gone) as run,
        run.interrupting(cursor),
    ):
        cursor.execute(ENDLESS)
    assert monotonic() - began < 10


def test_a_query_is_broken_off_when_it_takes_too_long() -> None:
    turns = HistoryLimiter(max_duration_s=0.3)
    with (
        duckdb.connect() as cursor,
        pytest.raises(HistoryStopped, match=r"within 0.3 s; ask for fewer points"),
        turns.run(Event()) as run,
        run.interrupting(cursor),
    ):
        cursor.execute(ENDLESS)
    with duckdb.connect() as cursor, turns.run(Event()) as run, run.interrupting(cursor):
        assert cursor.execute("SELECT 7").fetchall() == [(7,)]


def test_other_faults_stay_what_they_are() -> None:
    with (
        duckdb.connect() as cursor,
        pytest.raises(duckdb.CatalogException),
        HistoryLimiter().run(Event()) as run,
        run.interrupting(cursor),
    ):
        cursor.execute("FROM nothing")


def test_one_more_than_may_run_waits_for_a_turn() -> None:
    turns, free, entered = HistoryLimiter(), Event(), Event()

    def wait() -> None:
        with turns.run(Event()):
            entered.set()

    held = [turns.run(Event()) for _ in range(MAX_CONCURRENT)]
    for turn in held:
        turn.__enter__()
    thread = Thread(target=wait)
    thread.start()
    assert not entered.wait(0.5)
    gone = Event()
    gone.set()
    with pytest.raises(HistoryStopped), turns.run(gone):
        free.set()
    assert not free.is_set()
    held[0].__exit__(None, None, None)
    assert entered.wait(10)
    thread.join()
    held[1].__exit__(None, None, None)
