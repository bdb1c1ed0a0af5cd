"""Queries in real confined processes: turns, limits, cancelling, and a process that is killed from outside."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ioc.clock import FixedClock
from ioc.lab.asking import Asking
from ioc.lab.queries import Limits, Query, State
from ioc.lab.turns import MOST_WAITING_OF_ONE, QueueFull
from ioc.settings import Settings
from tests.lab_filled import NOW, published

LONG = "SELECT count(*) FROM range(100000) a, range(100000) b WHERE hash(a, b) = 1"
SHORT = "SELECT count(*) FROM units"
LIMITS = Limits(seconds=3.0, memory_mb=96, rows=1_000, bytes=2 << 20, spill_mb=32)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("queries")
    published(folder, days=3)
    return folder


@pytest_asyncio.fixture
async def asking(data_dir: Path) -> AsyncIterator[Asking]:
    made = Asking.of(Settings(data_dir=data_dir), FixedClock(NOW), LIMITS)
    made.queries.start()
    yield made
    await made.close()


def submit(asking: Asking, person: str, sql: str) -> Query:
    return asking.queries.submit(person, sql, {}, rows=LIMITS.rows)


async def until_running(query: Query) -> None:
    async with asyncio.timeout(20):
        while query.state is State.WAITING or not query.began_s:  # noqa: ASYNC110 - a field of it
            await asyncio.sleep(0.01)


async def test_people_take_turns_and_one_with_many_waits_behind_the_others(asking: Asking) -> None:
    hogging = [submit(asking, "hog", LONG) for _ in range(3)]
    other = submit(asking, "other", SHORT)
    await asyncio.wait_for(other.ended.wait(), 30)
    assert other.state is State.DONE
    assert not hogging[2].ended.is_set()
    for query in reversed(hogging):
        await asking.queries.cancel(query)
    assert {query.state for query in hogging} <= {State.CANCELLED, State.FAILED}


async def test_a_person_alone_uses_both_processes_and_is_bounded(asking: Asking) -> None:
    queries = [submit(asking, "hog", LONG) for _ in range(2 + MOST_WAITING_OF_ONE)]
    assert asking.queries.running == 2
    with pytest.raises(QueueFull):
        submit(asking, "hog", SHORT)
    for query in reversed(queries):
        await asking.queries.cancel(query)
    assert asking.queries.waiting == 0


async def test_cancelled_at_once_and_another_is_not_disturbed(asking: Asking) -> None:
    long, beside = submit(asking, "an", LONG), submit(asking, "binh", "SELECT count(*) FROM range(200000000)")
    await until_running(long)
    await asyncio.wait_for(asking.queries.cancel(long), 2)
    assert long.state is State.CANCELLED
    await asyncio.wait_for(beside.ended.wait(), 20)
    assert beside.state is State.DONE
    again = submit(asking, "an", SHORT)
    await asyncio.wait_for(again.ended.wait(), 20)
    assert again.state is State.DONE


async def test_above_the_time_limit_it_is_ended_and_said(asking: Asking) -> None:
    long = submit(asking, "an", LONG)
    await asyncio.wait_for(long.ended.wait(), 30)
    assert (long.state, long.kind) == (State.FAILED, "time")
    assert long.error
    assert "took longer than 3 s" in long.error["message"]
    assert 3000 <= long.elapsed_ms < 5000


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        pytest.param("SELECT repeat('x', 100000) FROM range(1000)", "too_large", id="bytes"),
        pytest.param("SELECT list(range) FROM range(1000000000)", "memory", id="memory"),
    ],
)  # fmt: skip
async def test_limits_of_a_query(asking: Asking, sql: str, kind: str) -> None:
    query = submit(asking, "an", sql)
    await asyncio.wait_for(query.ended.wait(), 30)
    assert (query.state, query.kind) == (State.FAILED, kind)
    assert query.result is None


async def test_rows_above_the_limit_are_left_out_and_said(asking: Asking) -> None:
    query = submit(asking, "an", "SELECT * FROM range(5000)")
    await asyncio.wait_for(query.ended.wait(), 30)
    assert (query.state, query.row_count, query.truncated) == (State.DONE, 1_000, True)


async def test_a_killed_process_is_replaced(asking: Asking) -> None:
    first, beside = submit(asking, "an", LONG), submit(asking, "binh", LONG)
    await until_running(first)
    await until_running(beside)
    async with asyncio.timeout(20):
        while asking.queries.process_of(first) is None:  # noqa: ASYNC110 - it starts
            await asyncio.sleep(0.01)
    victim = asking.queries.process_of(first)
    assert victim is not None
    os.kill(victim, signal.SIGKILL)
    await asyncio.wait_for(first.ended.wait(), 5)
    assert (first.state, first.kind) == (State.FAILED, "process")
    assert beside.state is State.RUNNING
    again = submit(asking, "an", SHORT)
    await asyncio.wait_for(again.ended.wait(), 20)
    assert again.state is State.DONE
    await asking.queries.cancel(beside)


async def test_nobody_sees_anothers_query(asking: Asking) -> None:
    query = submit(asking, "an", SHORT)
    await asyncio.wait_for(query.ended.wait(), 20)
    assert asking.queries.named(query.id, "an") is query
    with pytest.raises(KeyError):
        asking.queries.named(query.id, "binh")
    assert [one["sql"] for one in asking.book.history("an", 1)] == [SHORT]
    assert all(one["person"] != "an" for one in asking.book.history("binh", 100))
