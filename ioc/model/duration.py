"""Durations as people write them: `500ms`, `30s`, `15m`, `24h`, `7d`, and working days (`15wd`)."""

import re
from collections.abc import Collection
from datetime import timedelta

UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
MINUTES_AND_LONGER = ("m", "h", "d")
MAX_DURATION = timedelta(days=999_999)
"""Longer durations would leave the range of dates."""
_TEXT = re.compile(r"([1-9][0-9]{0,15})([a-z]{1,2})")


class DurationInvalid(ValueError):
    """A text is not a duration of the units that are allowed there; the message is a sentence without its full stop."""


def parse_duration(text: str, units: Collection[str] = tuple(UNITS), *, max_digits: int = 16) -> timedelta:
    """Parse a whole number from 1 on and one of `units`, without spaces.

    Raises DurationInvalid for another text, and for more than MAX_DURATION.
    """
    match = _TEXT.fullmatch(text)
    if match is None or match[2] not in units or len(match[1]) > max_digits:
        examples = [text for text in ("500ms", "30s", "15m", "24h", "7d") if text.lstrip("0123456789") in units]
        raise DurationInvalid(f"{text[:40]!r} is not a duration such as {', '.join(examples[-4:])}")
    number, unit = int(match[1]), UNITS[match[2]]
    if number > MAX_DURATION // unit:
        raise DurationInvalid(f"{text[:40]!r} is longer than {MAX_DURATION.days} days")
    return number * unit


def parse_working_days(text: str) -> int | None:
    """Parse a number of working days, such as `15wd`, of at most 9,999; None for a text of another form."""
    match = _TEXT.fullmatch(text)
    if match is None or match[2] != "wd" or len(match[1]) > 4:
        return None
    return int(match[1])
