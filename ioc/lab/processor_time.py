"""Time limits that count processor time, not time spent waiting for a processor."""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from ioc.messages import Message

MAX_CLOCK_FACTOR = 4.0
"""Clock time allowed, as a multiple of the limit: a busy machine gets this much patience."""
_SHORTEST_LOOK_S = 0.02
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")

Result = TypeVar("Result")


def processor_s(pid: int | None) -> float | None:
    """Return the processor seconds of all threads of a process; None when it has ended or the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * _TICK_S
    except (OSError, IndexError, ValueError):
        return None


async def within(seconds: float, used_s: Callable[[], float | None], work: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of `work` within a limit of processor time.

    Raises TimeoutError, with the limit in its text, once `used_s` has grown by more than `seconds`, or once
    MAX_CLOCK_FACTOR times as much has passed on the clock; `work` is cancelled. Where processor time is unknown,
    only the clock counts.
    """
    doing = asyncio.create_task(work)
    before_s, began_s = used_s(), time.monotonic()
    longest_s = seconds * MAX_CLOCK_FACTOR
    try:
        while True:
            elapsed_s, now_s = time.monotonic() - began_s, used_s()
            computed_s = elapsed_s if now_s is None or before_s is None else now_s - before_s
            if computed_s >= seconds:
                raise TimeoutError(Message("took_processor_time", seconds=seconds))
            if elapsed_s >= longest_s:
                raise TimeoutError(Message("took_too_long", seconds=longest_s))
            left_s = min(seconds - computed_s, longest_s - elapsed_s)
            # Checked often enough that several threads cannot go far beyond the limit.
            if (await asyncio.wait([doing], timeout=max(left_s / 2, _SHORTEST_LOOK_S)))[0]:
                return doing.result()
    finally:
        if not doing.done():
            doing.cancel()
            await asyncio.wait([doing])
