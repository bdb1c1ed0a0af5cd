"""Parse times and durations of query parameters."""

from datetime import UTC, datetime, timedelta

from ioc.api.http.problems import invalid_field
from ioc.messages import Message
from ioc.model.duration import MINUTES_AND_LONGER, DurationInvalid, parse_duration


def parse_step(text: str) -> timedelta:
    """Return a duration such as 1m, 30m, 1h or 1d. Raises Problem (400)."""
    try:
        return parse_duration(text, MINUTES_AND_LONGER, max_digits=6)
    except DurationInvalid:
        raise invalid_field("step", Message("step_not_duration", given=text[:40])) from None


def parse_time(field: str, text: str) -> datetime:
    """Return an RFC 3339 time in UTC; `field` is the name of the parameter. Raises Problem (400)."""
    # In a query string an unescaped + of the zone arrives as a space.
    try:
        moment = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text)
    except ValueError:
        raise invalid_field(field, Message("parameter_not_time", field=field, given=text[:40])) from None
    if moment.tzinfo is None:
        raise invalid_field(field, Message("parameter_no_zone", field=field, given=text[:40]))
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise invalid_field(field, Message("time_outside_years", field=field, given=text[:40])) from None
