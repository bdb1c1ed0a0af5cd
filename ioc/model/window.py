"""A KPI's window: the stretch of time whose data it speaks of, half-open, in the province's time zone."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class WindowKind(StrEnum):
    """`last` slides with the minute; the others begin at a calendar border; `now` and `always` begin with the data."""

    NOW = "now"
    LAST = "last"
    TODAY = "today"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    ALWAYS = "always"


_SPAN = re.compile(r"^([1-9]\d*)([mhd])$")
_STEP = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """`span` is set for `last` only."""

    kind: WindowKind
    span: timedelta | None = None

    @classmethod
    def parse(cls, text: str) -> "Window":
        """`today`, `month`, `quarter`, `year`, `always`, `now`, or a span: `15m`, `24h`, `7d`. Raises ValueError."""
        if match := _SPAN.match(text):
            return cls(WindowKind.LAST, int(match[1]) * _STEP[match[2]])
        if text == WindowKind.LAST or text not in set(WindowKind):
            raise ValueError(
                f"window {text!r} is none of today, month, quarter, year, always, now, or a span as 15m, 24h, 7d"
            )
        return cls(WindowKind(text))

    def bounds(self, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """[from, to) in UTC, whole minutes. `to` is the end of the running minute, so that its data counts."""
        to = now.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        if self.span is not None:
            return to - self.span, to
        if self.kind in (WindowKind.NOW, WindowKind.ALWAYS):
            return BEGINNING, to
        local = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        if self.kind is WindowKind.MONTH:
            local = local.replace(day=1)
        elif self.kind is WindowKind.QUARTER:
            local = local.replace(day=1, month=(local.month - 1) // 3 * 3 + 1)
        elif self.kind is WindowKind.YEAR:
            local = local.replace(day=1, month=1)
        return local.astimezone(UTC), to
