"""Limits that count processor time: a busy machine is no fault of a query, and no reason to wait for ever."""

import asyncio
import itertools
import os
import time
from collections.abc import Iterator

import pytest

from ioc.lab.processor_time import processor_s, within


async def _ends_after(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "done"


class Endless:
    """Work that ends only by being cancelled."""

    def __init__(self) -> None:
        self.is_cancelled = False

    async def work(self) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            self.is_cancelled = True


async def test_what_computes_less_than_the_limit_may_take_longer() -> None:
    assert await within(0.05, lambda: 7.0, _ends_after(0.1)) == "done"


@pytest.mark.parametrize(
    ("used", "says"),
    [
        pytest.param(itertools.count(0, 0.03), "longer than 0.05 s of processor time", id="computes too long"),
        pytest.param(itertools.repeat(7.0), "not done within 0.2 s", id="waits too long"),
        pytest.param(itertools.repeat(None), "longer than 0.05 s", id="nothing known of the processor"),
    ],
)
async def test_beyond_the_limit_it_is_cancelled(used: Iterator[float], says: str) -> None:
    endless = Endless()
    with pytest.raises(TimeoutError, match=says):
        await within(0.05, lambda: next(used), endless.work())
    assert endless.is_cancelled


async def test_who_stops_waiting_ends_the_work() -> None:
    endless = Endless()
    waiting = asyncio.create_task(within(60, lambda: 0.0, endless.work()))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert endless.is_cancelled


async def test_errors_of_the_work_are_raised() -> None:
    async def work() -> None:
        raise ValueError("unfit")

    with pytest.raises(ValueError, match="unfit"):
        await within(1, lambda: 0.0, work())


def test_processor_time_of_a_process() -> None:
    told, until = processor_s(os.getpid()), time.process_time() + 0.05
    while time.process_time() < until:
        pass
    assert told is not None
    later = processor_s(os.getpid())
    assert later is not None
    assert later - told >= 0.03
    assert processor_s(None) is None
