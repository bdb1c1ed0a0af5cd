"""Times of cases that are known by the day only: they stand for the day, not for its first moment. Pure.

A source that writes 30/11/2026 gives midnight in Vietnam. A case may then seem to be closed before it was received at
09:30 of that day, or overdue in the morning of its last day. Functions accept milliseconds since 1970 UTC, as numbers
or as arrays.
"""

from __future__ import annotations

from typing import Any

DAY_MS = 86_400_000
ZONE_MS = 7 * 3_600_000
"""Vietnam has one time zone, without summer time."""


def is_whole_day(ms: Any) -> Any:
    """Return whether a time is midnight to the millisecond."""
    return (ms + ZONE_MS) % DAY_MS == 0


def day_of(ms: Any) -> Any:
    """Return the number of the day in Vietnam."""
    return (ms + ZONE_MS) // DAY_MS


def end_of_day(ms: int) -> int:
    """Return the last millisecond of the day for a whole day; another time unchanged."""
    return ms + DAY_MS - 1 if is_whole_day(ms) else ms


def within_day(ms: int, *others: int) -> int:
    """Return a whole day moved on to the latest of `others` on that day; another time unchanged."""
    if not is_whole_day(ms):
        return ms
    return max([ms, *(other for other in others if day_of(other) == day_of(ms))])
