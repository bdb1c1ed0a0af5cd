"""Times and lengths of time as query parameters."""

import re
from datetime import UTC, datetime, timedelta

from ioc.api.http.problems import invalid_field

_STEP = re.compile(r"([1-9]\d{0,5})([mhd])")
_LENGTH = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def parse_step(text: str) -> timedelta:
    """Raises Problem (400)."""
    match = _STEP.fullmatch(text)
    if match is None:
        raise invalid_field("step", f"step={text[:40]!r} is not a length as 1m, 30m, 1h or 1d.")
    return int(match[1]) * _LENGTH[match[2]]


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
