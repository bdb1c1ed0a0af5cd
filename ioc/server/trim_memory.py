"""Give memory that a burst used back to the system, so that other processes of a small machine have it."""

import asyncio
import ctypes
import sys

import pyarrow as pa

TRIM_EVERY_S = 30.0

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def trim() -> None:
    """Give back unused memory of the C heap and of Arrow's pool; takes a few ms, does nothing without glibc."""
    pa.default_memory_pool().release_unused()
    if _LIBC is not None and hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)


async def keep_trimming() -> None:
    """Give memory back every TRIM_EVERY_S seconds until cancelled."""
    while True:
        await asyncio.sleep(TRIM_EVERY_S)
        await asyncio.to_thread(trim)
