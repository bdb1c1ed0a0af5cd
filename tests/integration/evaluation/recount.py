"""Every KPI of the test pack counted again from the raw readings and case versions, in plain Python."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from ioc.model.case import Case
from ioc.model.reading import Reading
from ioc.settings import VIETNAM

Span = tuple[datetime, datetime]


def span(window: str, now: datetime) -> Span:
    """Return [from, to): local bounds in the province's time zone, `to` at the end of the running minute."""
    to = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    local = now.astimezone(VIETNAM)
    midnight = datetime(local.year, local.month, local.day, tzinfo=VIETNAM)
    starts = {
        "now": datetime(2000, 1, 1, tzinfo=UTC),
        "always": datetime(2000, 1, 1, tzinfo=UTC),
        "today": midnight,
        "month": datetime(local.year, local.month, 1, tzinfo=VIETNAM),
        "quarter": datetime(local.year, {1: 1, 2: 4, 3: 7, 4: 10}[(local.month + 2) // 3], 1, tzinfo=VIETNAM),
        "year": datetime(local.year, 1, 1, tzinfo=VIETNAM),
    }
    if window in starts:
        return starts[window], to
    before = {"yesterday": "today", "last_month": "month", "last_quarter": "quarter", "last_year": "year"}
    if window in before:
        end = starts[before[window]]
        return span(before[window], end - timedelta(minutes=1))[0], end
    unit = {"m": "minutes", "h": "hours", "d": "days"}[window[-1]]
    return to - timedelta(**{unit: int(window[:-1])}), to


def take(name: str, readings: Sequence[Reading], span: Span, now: datetime, per: timedelta, q: float) -> float | None:
    """Aggregate readings of a span; None without readings."""
    held = [reading for reading in readings if span[0] <= reading.time < span[1]]
    values = sorted(reading.value for reading in held)
    if not values:
        return None
    newest: dict[str, Reading] = {}
    for reading in sorted(held, key=lambda reading: (reading.time, reading.value)):
        newest[reading.subject] = reading
    seconds = (min(now, span[1]) - span[0]).total_seconds()
    answers: dict[str, Callable[[], float]] = {
        "count": lambda: len(values),
        "sum": lambda: math.fsum(values),
        "mean": lambda: math.fsum(values) / len(values),
        "min": lambda: values[0],
        "max": lambda: values[-1],
        "stddev": lambda: statistics.pstdev(values),
        "rate": lambda: math.fsum(values) / seconds * per.total_seconds(),
        "last": lambda: statistics.fmean(reading.value for reading in newest.values()),
        "quantile": lambda: values[int(q * (len(values) - 1))],
        "distinct": lambda: len({reading.subject for reading in held}),
    }
    return answers[name]()


def hours(since: datetime, until: datetime) -> float:
    return (until - since) / timedelta(hours=1)


def jobs(
    kpi: str, held: Sequence[Case], now: datetime, *, heard: bool, windows_at: datetime | None = None
) -> float | None:
    """A KPI over the cases that hold; windows are those of another moment if one is given."""
    windows_at = windows_at or now
    month, today = span("month", windows_at), span("today", windows_at)
    still_open = [case for case in held if case.closed_at is None]

    def closed(within: Span) -> list[Case]:
        return [case for case in held if case.closed_at is not None and within[0] <= case.closed_at < within[1]]

    def count(value: float) -> float | None:
        return value if heard else None

    def share(hits: int, over: int) -> float | None:
        return 100 * hits / over if over else None

    match kpi:
        case "job.open" | "job.open_of_communes":
            return count(len(still_open))
        case "job.overdue":
            return count(sum(case.due_at is not None and case.due_at < now for case in still_open))
        case "job.received_today":
            return count(sum(today[0] <= case.received_at < today[1] for case in held))
        case "job.cost_month":
            done = [case for case in closed(month) if case.status == "done"]
            return count(math.fsum(float(case.attributes.get("cost", 0)) for case in done))
        case "job.on_time":
            due = [case for case in closed(month) if case.due_at is not None]
            return share(sum(case.closed_at <= case.due_at for case in due), len(due))  # type: ignore[operator]
        case "job.urgent_share":
            told = [case for case in held if "urgent" in case.attributes]
            return share(sum(case.attributes["urgent"] is True for case in told), len(told))
        case "job.age":
            return statistics.fmean(hours(case.received_at, now) for case in still_open) if still_open else None
        case "job.oldest":
            return max((hours(case.received_at, now) for case in still_open), default=None)
        case "job.time_median":
            times = [hours(case.received_at, case.closed_at) for case in closed(month) if case.closed_at]
            return statistics.median(times) if times else None
        case "job.time_min":
            done = [case for case in closed(span("24h", windows_at)) if case.status == "done"]
            return min((hours(case.received_at, case.closed_at) for case in done if case.closed_at), default=None)
    raise KeyError(kpi)
