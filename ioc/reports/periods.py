"""The period of an issue: a week, month, quarter or year in the province's zone."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from ioc.errors import IocError
from ioc.messages import Message

_MILLISECOND = timedelta(milliseconds=1)
_WRITTEN = re.compile(r"(\d{4})(?:-(?:W(\d{2})|Q([1-4])|(\d{2})))?")
_ROMAN = ("I", "II", "III", "IV")
_WEEK = timedelta(days=7)
_FORMS = {"week": "2026-W47", "month": "2026-10", "quarter": "2026-Q3", "year": "2025"}


class PeriodLength(StrEnum):
    """The length of a period; a week begins on Monday (ISO 8601)."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class PeriodUnfit(IocError):
    """The text is not a period of the report, or the period is not over yet."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A period [start, end) in UTC. `label` is its written form: 2026-10, 2026-Q3, 2025, 2026-W47."""

    length: PeriodLength
    start: datetime
    end: datetime
    label: str


def span_at(length: PeriodLength, moment: datetime, zone: ZoneInfo) -> Span:
    """Return the period that contains a moment."""
    day = moment.astimezone(zone).date()
    if length is PeriodLength.WEEK:
        first = day - timedelta(days=day.weekday())
        year, week, _ = first.isocalendar()
        return _span(length, first, first + _WEEK, f"{year}-W{week:02}", zone)
    months = {PeriodLength.MONTH: 1, PeriodLength.QUARTER: 3, PeriodLength.YEAR: 12}[length]
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    after = first.year * 12 + first.month - 1 + months
    label = {
        PeriodLength.MONTH: f"{first.year}-{first.month:02}",
        PeriodLength.QUARTER: f"{first.year}-Q{(first.month + 2) // 3}",
        PeriodLength.YEAR: f"{first.year}",
    }[length]
    return _span(length, first, date(after // 12, after % 12 + 1, 1), label, zone)


def parse_span(length: PeriodLength, text: str, zone: ZoneInfo) -> Span:
    """Parse a period's label.

    Raises PeriodUnfit for what is not a period of this length.
    """
    match = _WRITTEN.fullmatch(text)
    form = _FORMS[length]
    fault = PeriodUnfit(Message("report_period", given=text[:40], period=length, form=form))
    if match is None:
        raise fault
    year, week, quarter, month = match.groups()
    try:
        first = (
            date.fromisocalendar(int(year), int(week), 1)
            if week
            else date(int(year), int(quarter) * 3 - 2 if quarter else int(month or 1), 1)
        )
        found = span_at(length, datetime(first.year, first.month, first.day, 12, tzinfo=zone), zone)
    except (ValueError, OverflowError):
        raise fault from None
    if found.label != text:
        raise fault
    return found


def closed_span(length: PeriodLength, now: datetime, zone: ZoneInfo) -> Span:
    """Return the period that ended last."""
    return before(span_at(length, now, zone), zone)


def before(span: Span, zone: ZoneInfo) -> Span:
    """Return the period that ended when this one began."""
    return span_at(span.length, span.start - _MILLISECOND, zone)


def just_before(span: Span) -> datetime:
    """Return the last moment of a period."""
    return span.end - _MILLISECOND


def year_before(span: Span, zone: ZoneInfo) -> Span:
    """Return the same period of the year before; for a week, the same number, for a 53rd the 52nd."""
    if span.length is PeriodLength.WEEK:
        year, week = int(span.label[:4]), int(span.label[6:])
        return parse_span(PeriodLength.WEEK, f"{year - 1}-W{min(week, 52):02}", zone)
    first = span.start.astimezone(zone)
    return span_at(span.length, first.replace(year=first.year - 1), zone)


def days_of(span: Span) -> list[tuple[datetime, datetime]]:
    """Return the days of a period, [from, to); the zone has no summer time."""
    count = (span.end - span.start) // timedelta(days=1)
    return [(span.start + timedelta(days=n), span.start + timedelta(days=n + 1)) for n in range(count)]


def name_of(span: Span, language: str, zone: ZoneInfo) -> str:
    """Return a period's name for use in a sentence: tháng 10/2026; quý III/2026; tuần 47 (16/11-22/11/2026)."""
    first, last = span.start.astimezone(zone), (span.end - _MILLISECOND).astimezone(zone)
    vietnamese = language == "vi"
    if span.length is PeriodLength.MONTH:
        return f"tháng {first:%m/%Y}" if vietnamese else f"{first:%B %Y}"
    if span.length is PeriodLength.QUARTER:
        number = (first.month + 2) // 3
        return f"quý {_ROMAN[number - 1]}/{first.year}" if vietnamese else f"quarter {number} of {first.year}"
    if span.length is PeriodLength.YEAR:
        return f"năm {first.year}" if vietnamese else f"{first.year}"
    days = f"{first:%d/%m}–{last:%d/%m/%Y}"
    number = int(span.label[6:])
    return f"tuần {number} ({days})" if vietnamese else f"week {number} ({days})"


def _span(length: PeriodLength, first: date, after: date, label: str, zone: ZoneInfo) -> Span:
    start, end = (datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) for day in (first, after))
    return Span(length, start, end, label)
