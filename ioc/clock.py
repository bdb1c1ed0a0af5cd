"""Time as an argument: the shell reads the clock, the core is told."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

LAST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999, in which the calendar ends."""


class Clock(Protocol):
    """Source of the present moment."""

    def now(self) -> datetime:
        """Aware, UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class FixedClock:
    """A clock that moves only when told, for tests and replays."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970-01-01 UTC. Raises ValueError for a naive datetime."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return round(moment.timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """Aware UTC moment of milliseconds since 1970-01-01."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
