"""How long to wait before a source that failed is tried again. Pure but for the jitter."""

from __future__ import annotations

import random
from collections.abc import Callable

MIN_WAIT_S = 0.5
MAX_WAIT_S = 30.0


class BackOff:
    """Waits that double from MIN_WAIT_S to `max_wait_s`, with jitter so that sources are not all tried at once."""

    def __init__(self, max_wait_s: float, spread: Callable[[float, float], float] = random.uniform) -> None:
        self._max_wait_s = max(max_wait_s, MIN_WAIT_S)
        self._wait_s = MIN_WAIT_S
        self._spread = spread

    def succeeded(self) -> None:
        """Begin with the shortest wait again."""
        self._wait_s = MIN_WAIT_S

    def next_s(self, at_least_s: float = 0.0) -> float:
        """Return the seconds to wait after a failure: `at_least_s` where that is given, plus up to a tenth."""
        if at_least_s > 0:
            return at_least_s * self._spread(1.0, 1.1)
        wait_s = min(self._wait_s * self._spread(0.7, 1.3), self._max_wait_s)
        self._wait_s = min(self._wait_s * 2, self._max_wait_s)
        return wait_s
