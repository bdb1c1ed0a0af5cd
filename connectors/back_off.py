"""How long to wait before a source that failed is asked again. Pure but for the jitter."""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0


class BackOff:
    """Waits that double from FIRST_WAIT_S to `longest_s`, spread so that sources do not ask all at once."""

    def __init__(self, longest_s: float, spread: Callable[[float, float], float] = random.uniform) -> None:
        self._longest_s = max(longest_s, FIRST_WAIT_S)
        self._wait_s = FIRST_WAIT_S
        self._spread = spread

    def succeeded(self) -> None:
        self._wait_s = FIRST_WAIT_S

    def next_s(self, at_least_s: float = 0.0) -> float:
        """Seconds to wait after a failure: at least `at_least_s` where that is given, and then little more."""
        if at_least_s > 0:
            return at_least_s * self._spread(1.0, 1.1)
        wait_s = min(self._wait_s * self._spread(0.7, 1.3), self._longest_s)
        self._wait_s = min(self._wait_s * 2, self._longest_s)
        return wait_s
