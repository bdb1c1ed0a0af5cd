"""Times and lengths of time as query parameters."""

from datetime import UTC, datetime, timedelta

from ioc.api.http.problems import invalid_field
from ioc.model.duration import MINUTES_AND_LONGER, DurationInvalid, parse_duration


def parse_step(text: str) -> timedelta:
    """Raises Problem (400)."""
    try:
        return parse_duration(text, MINUTES_AND_LONGER, max_digits=6)
    except DurationInvalid:
        raise invalid_field("step", f"step={text[:40]!r} is not a length as 1m, 30m, 1h or 1d.") from None


def parse_time(field: str, text: str) -> datetime:
    """UTC. Raises Problem (400)."""
    # In a query string an unescaped + of the zone arrives as a space.
    try:
        moment = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text)
    except ValueError:
        raise invalid_field(field, f"{field}={text[:40]!r} is no RFC 3339 time as 2026-11-22T08:00:00+07:00.") from None
    if moment.tzinfo is None:
        raise invalid_field(field, f"{field}={text[:40]!r} has no time zone: add Z or +07:00.")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise invalid_field(field, f"{field}={text[:40]!r} lies outside the years 1 to 9999.") from None
