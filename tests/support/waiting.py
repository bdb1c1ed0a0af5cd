"""Wait for a condition that another thread or process brings about."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(holds: Callable[[], bool], timeout_s: float = 15) -> None:
    """Wait until `holds()` is true.

    Fails after `timeout_s`.
    """
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, "it did not come to hold in time"
        time.sleep(0.05)
