"""Memory that a burst has taken goes back to the system, so that a small machine has it for others."""

import asyncio
import ctypes
import sys

import pyarrow as pa

GIVES_BACK_EVERY_S = 30.0

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def give_back() -> None:
    """What the C heap and Arrow's pool hold without need; a few milliseconds. Harmless where there is no glibc."""
    pa.default_memory_pool().release_unused()
    if _LIBC is not None and hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)


async def keep_giving_back() -> None:
    """Until cancelled."""
    while True:
        await asyncio.sleep(GIVES_BACK_EVERY_S)
        await asyncio.to_thread(give_back)
