"""Windows of KPIs: half-open intervals of time in the province's zone."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from ioc.model.duration import MINUTES_AND_LONGER, DurationInvalid, parse_duration


class WindowKind(StrEnum):
    """How a window is placed.

    `last` slides with the minute; `now` and `always` begin with the data; the others begin at a calendar border.
    `yesterday` and `last_…` are closed: they end where the current day, month, quarter or year begins.
    """

    NOW = "now"
    LAST = "last"
    TODAY = "today"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    YESTERDAY = "yesterday"
    LAST_MONTH = "last_month"
    LAST_QUARTER = "last_quarter"
    LAST_YEAR = "last_year"
    ALWAYS = "always"


_MONTHS = {
    WindowKind.MONTH: 1,
    WindowKind.LAST_MONTH: 1,
    WindowKind.QUARTER: 3,
    WindowKind.LAST_QUARTER: 3,
    WindowKind.YEAR: 12,
    WindowKind.LAST_YEAR: 12,
}
_CLOSED = frozenset({WindowKind.YESTERDAY, WindowKind.LAST_MONTH, WindowKind.LAST_QUARTER, WindowKind.LAST_YEAR})
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """The window of a KPI. `span` is set for `last` only."""

    kind: WindowKind
    span: timedelta | None = None

    @classmethod
    def parse(cls, text: str) -> "Window":
        """Parse a WindowKind other than `last`, or a span: `15m`, `24h`, `7d`. Raises ValueError."""
        if text in set(WindowKind) - {WindowKind.LAST}:
            return cls(WindowKind(text))
        try:
            return cls(WindowKind.LAST, parse_duration(text, MINUTES_AND_LONGER))
        except DurationInvalid:
            words = ", ".join(kind for kind in WindowKind if kind is not WindowKind.LAST)
            raise ValueError(f"window {text!r} is none of {words}, or a span as 15m, 24h, 7d") from None

    @property
    def closed(self) -> bool:
        """Whether the window is over: only late data can change its value."""
        return self.kind in _CLOSED

    def bounds(self, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return [from, to) in UTC, whole minutes.

        `to` of a window that is not closed is the end of the current minute, so that the data of this minute counts.
        """
        to = now.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        if self.span is not None:
            return to - self.span, to
        if self.kind in (WindowKind.NOW, WindowKind.ALWAYS):
            return BEGINNING, to
        local = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        months = _MONTHS.get(self.kind, 0)
        if months:
            local = local.replace(day=1, month=(local.month - 1) // months * months + 1)
        if not self.closed:
            return local.astimezone(UTC), to
        return _before(local, months).astimezone(UTC), local.astimezone(UTC)


def _before(local: datetime, months: int) -> datetime:
    """Return a day (0 months) or some months earlier by the wall clock.

    `local` is a midnight, and the first day of a month when `months` is not 0.
    """
    if not months:
        return local - timedelta(days=1)
    passed = local.year * 12 + local.month - 1 - months
    return local.replace(year=passed // 12, month=passed % 12 + 1)
