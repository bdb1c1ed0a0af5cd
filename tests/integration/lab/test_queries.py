"""Queries in real confined processes: fair order, limits, cancelling, and a process killed from outside."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from ioc.clock import FixedClock
from ioc.lab.fair_queue import MAX_WAITING_PER_PERSON, QueueFull
from ioc.lab.query import Query, QueryLimits, State
from ioc.lab.results import rendered
from ioc.lab.sandbox.worker import THREADS
from ioc.lab.sql_service import SqlService
from ioc.settings import Settings
from tests.support.filled_lab import NOW, published

PATIENCE_S = 120
"""Queries come last: where others want the processor all the time, even a short one is long in coming."""
LONG = "SELECT count(*) FROM range(100000) a, range(100000) b WHERE hash(a, b) = 1"
SHORT = "SELECT count(*) FROM units"
LIMITS = QueryLimits(seconds=60.0, memory_mb=96, rows=1_000, bytes=2 << 20, spill_mb=32)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asking(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SqlService]:
    folder = tmp_path_factory.mktemp("queries")
    published(folder, days=3)
    made = SqlService.of(Settings(data_dir=folder), FixedClock(NOW), LIMITS)
    made.queries.start()
    yield made
    await made.close()


def submit(asking: SqlService, person: str, sql: str) -> Query:
    return asking.queries.submit(person, sql, {}, rows=LIMITS.rows)


async def ended(query: Query) -> Query:
    await asyncio.wait_for(query.ended.wait(), PATIENCE_S)
    return query


async def until_in_a_process(asking: SqlService, query: Query) -> int:
    """The process's id."""
    async with asyncio.timeout(PATIENCE_S):
        while (pid := asking.queries.process_of(query)) is None:  # noqa: ASYNC110 - it starts
            await asyncio.sleep(0.01)
    return pid


async def test_people_take_turns_and_one_with_many_waits_behind_the_others(asking: SqlService) -> None:
    hogging = [submit(asking, "hog", LONG) for _ in range(3)]
    other = submit(asking, "other", SHORT)
    await asking.queries.cancel(hogging[0])
    assert (await ended(other)).state is State.DONE
    assert hogging[1].state is State.RUNNING
    for query in reversed(hogging):
        await asking.queries.cancel(query)
    assert {query.state for query in hogging} == {State.CANCELLED}


async def test_a_person_alone_uses_both_processes_and_is_bounded(asking: SqlService) -> None:
    queries = [submit(asking, "hog", LONG) for _ in range(2 + MAX_WAITING_PER_PERSON)]
    assert asking.queries.running == 2
    with pytest.raises(QueueFull):
        submit(asking, "hog", SHORT)
    for query in reversed(queries):
        await asking.queries.cancel(query)
    assert asking.queries.waiting == 0


async def test_cancelled_at_once_and_another_is_not_disturbed(asking: SqlService) -> None:
    long, beside = submit(asking, "an", LONG), submit(asking, "binh", LONG)
    process = await until_in_a_process(asking, beside)
    await asking.queries.cancel(long)
    assert long.state is State.CANCELLED
    assert (await ended(submit(asking, "an", SHORT))).state is State.DONE
    assert beside.state is State.RUNNING
    assert asking.queries.process_of(beside) == process
    await asking.queries.cancel(beside)


async def test_above_the_time_limit_it_is_ended_and_said(asking: SqlService) -> None:
    asking.queries.limits = replace(LIMITS, seconds=0.5)
    try:
        long = await ended(submit(asking, "an", LONG))
    finally:
        asking.queries.limits = LIMITS
    assert (long.state, long.kind) == (State.FAILED, "time")
    assert long.error
    assert re.search(r"took longer than 0.5 s of processor time|was not done within 2 s", long.error["message"])
    assert long.elapsed_ms >= 500 / THREADS


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        pytest.param("SELECT repeat('x', 100000) FROM range(1000)", "too_large", id="bytes"),
        pytest.param("SELECT list(range) FROM range(1000000000)", "memory", id="memory"),
    ],
)  # fmt: skip
async def test_limits_of_a_query(asking: SqlService, sql: str, kind: str) -> None:
    query = await ended(submit(asking, "an", sql))
    assert (query.state, query.kind) == (State.FAILED, kind)
    assert query.result is None


async def test_rows_above_the_limit_are_left_out_and_said(asking: SqlService) -> None:
    query = await ended(submit(asking, "an", "SELECT * FROM range(5000)"))
    assert (query.state, query.row_count, query.truncated) == (State.DONE, 1_000, True)


async def test_a_killed_process_is_replaced(asking: SqlService) -> None:
    first, beside = submit(asking, "an", LONG), submit(asking, "binh", LONG)
    victim = await until_in_a_process(asking, first)
    await until_in_a_process(asking, beside)
    os.kill(victim, signal.SIGKILL)
    await ended(first)
    assert (first.state, first.kind) == (State.FAILED, "process")
    assert beside.state is State.RUNNING
    assert (await ended(submit(asking, "an", SHORT))).state is State.DONE
    await asking.queries.cancel(beside)


async def test_nobody_sees_anothers_query(asking: SqlService) -> None:
    query = await ended(submit(asking, "an", SHORT))
    assert asking.queries.named(query.id, "an") is query
    with pytest.raises(KeyError):
        asking.queries.named(query.id, "binh")
    assert [one["sql"] for one in asking.book.history("an", 1)] == [SHORT]
    assert all(one["person"] != "an" for one in asking.book.history("binh", 100))


async def test_processes_of_queries_weigh_as_the_labs_session_does_and_less_than_the_lab(asking: SqlService) -> None:
    long = submit(asking, "an", LONG)
    process = await until_in_a_process(asking, long)
    assert os.getsid(process) == os.getsid(0)
    async with asyncio.timeout(PATIENCE_S):
        while os.getpriority(os.PRIO_PROCESS, process) <= os.getpriority(os.PRIO_PROCESS, 0):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await asking.queries.cancel(long)


async def test_a_query_that_cannot_even_be_sent_ends_and_the_next_one_runs(asking: SqlService) -> None:
    broken = asking.queries.submit("a", "SELECT $x", {"x": 12345678901234567890123}, rows=10)
    assert (await ended(broken)).state is State.FAILED
    assert broken.error is not None
    assert "could not run this query (TypeError)" in broken.error["message"]
    async with asyncio.timeout(PATIENCE_S):
        await asking.queries.cancel(broken)
    assert (await ended(submit(asking, "a", SHORT))).state is State.DONE


async def test_a_result_that_is_dropped_takes_its_files_along(asking: SqlService) -> None:
    query = await ended(submit(asking, "a", SHORT))
    assert query.result is not None
    made = await rendered(query, "csv")
    assert made.exists()
    await asking.queries.cancel(query)
    assert not made.exists()
