"""Limits of time that count what a process has computed, not how long it had to wait for the processor."""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

WAITS_AT_MOST = 4.0
"""Times the limit: beyond it a busy machine, too, is no reason to wait on."""
_SHORTEST_LOOK_S = 0.02
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")

Result = TypeVar("Result")


def processor_s(pid: int | None) -> float | None:
    """Of all its threads since it began; None when it has ended, or where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * _TICK_S
    except (OSError, IndexError, ValueError):
        return None


async def within(seconds: float, used_s: Callable[[], float | None], work: Coroutine[Any, Any, Result]) -> Result:
    """What `work` gives. Raises TimeoutError, which tells the limit, once `used_s` has grown by more than `seconds`, or
    WAITS_AT_MOST times as much has passed on the clock; `work` is cancelled then. The clock alone counts where nothing
    is known of the processor."""
    doing = asyncio.create_task(work)
    before_s, began_s = used_s(), time.monotonic()
    longest_s = seconds * WAITS_AT_MOST
    try:
        while True:
            elapsed_s, now_s = time.monotonic() - began_s, used_s()
            computed_s = elapsed_s if now_s is None or before_s is None else now_s - before_s
            if computed_s >= seconds:
                raise TimeoutError(f"took longer than {seconds:g} s of processor time")
            if elapsed_s >= longest_s:
                raise TimeoutError(f"was not done within {longest_s:g} s")
            left_s = min(seconds - computed_s, longest_s - elapsed_s)
            # Looked at again before its threads can have gone far beyond the limit.
            if (await asyncio.wait([doing], timeout=max(left_s / 2, _SHORTEST_LOOK_S)))[0]:
                return doing.result()
    finally:
        if not doing.done():
            doing.cancel()
            await asyncio.wait([doing])
