"""Read numbers and times as Vietnamese agencies write them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from ioc.clock import from_ms, to_ms
from ioc.errors import RecordUnfit
from ioc.messages import Message
from ioc.model.rejection import Reason

_VIETNAMESE = re.compile(r"^[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?$")
_TRUTHS = {
    True: frozenset({"1", "1.0", "true", "yes", "có", "đúng", "x"}),
    False: frozenset({"0", "0.0", "false", "no", "không", "sai"}),
}
_PARTS = {"dd": r"(?P<day>\d{1,2})", "MM": r"(?P<month>\d{1,2})", "yyyy": r"(?P<year>\d{4})"}
_PARTS |= {"HH": r"(?P<hour>\d{1,2})", "mm": r"(?P<minute>\d{2})", "ss": r"(?P<second>\d{2})"}
_TOKEN = re.compile(r"dd|MM|yyyy|HH|mm|ss|\[|\]|.", re.DOTALL)
_DEFAULT_FORMATS = ("rfc3339", "dd/MM/yyyy[ HH:mm[:ss]]", "yyyy-MM-dd[ HH:mm[:ss]]")
# Excel counts days from here, because it treats 1900 as a leap year.
_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001
_MAX_EXCEL_DAY = 2_958_466


def number_of(value: Any, numbers: str, field: str) -> float:
    """Return a number, or a text as one: `1.234,5` when `numbers` is `vietnamese`, `1234.5` when it is `plain`.

    Raises RecordUnfit naming the field.
    """
    if isinstance(value, bool):
        raise RecordUnfit(Reason.WRONG_TYPE, field, Message("not_number", field=field, value=value))
    if isinstance(value, int | float):
        return float(value)
    text = str(value).strip().replace(" ", "").replace("\u00a0", "")
    if numbers == "vietnamese":
        if not _VIETNAMESE.match(text):
            raise RecordUnfit(Reason.WRONG_TYPE, field, Message("not_local_number", field=field, value=value))
        text = text.replace(".", "").replace(",", ".")
    try:
        return float(text)
    except ValueError:
        raise RecordUnfit(Reason.WRONG_TYPE, field, Message("not_number", field=field, value=value)) from None


def truth_of(value: Any, field: str) -> bool:
    """Return true or false, also as agencies write them: Có, Không, x, 1, 0. Raises RecordUnfit."""
    text = "1" if value is True else "0" if value is False else str(value).strip().casefold()
    for truth, texts in _TRUTHS.items():
        if text in texts:
            return truth
    raise RecordUnfit(Reason.WRONG_TYPE, field, Message("not_yes_no", field=field, value=value))


def day_of(value: Any, formats: tuple[str, ...], zone: ZoneInfo, field: str) -> str:
    """Return the day of a time in `zone`, such as 2026-11-30. Raises RecordUnfit."""
    return from_ms(time_of(value, formats, zone, field)).astimezone(zone).date().isoformat()


def time_of(value: Any, formats: tuple[str, ...], zone: ZoneInfo, field: str) -> int:
    """Return a time in milliseconds since 1970 UTC. Raises RecordUnfit.

    A time without a zone is in `zone`. A number is a day of Excel, unless a format says seconds or milliseconds.
    """
    try:
        if isinstance(value, datetime):
            return to_ms(value if value.tzinfo else value.replace(tzinfo=zone))
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _from_number(value, formats, zone)
        text = str(value).strip()
        for time_format in formats or _DEFAULT_FORMATS:
            moment = _from_text(text, time_format, zone)
            if moment is not None:
                return to_ms(moment)
    except (ValueError, OverflowError):
        pass
    expected = " or ".join(formats or _DEFAULT_FORMATS)
    raise RecordUnfit(Reason.WRONG_TYPE, field, Message("not_local_time", field=field, value=value, expected=expected))


def is_time_format(text: str) -> bool:
    """Whether the text is a format of `time_of`."""
    return text in ("rfc3339", "epoch_s", "epoch_ms") or {"yyyy", "MM", "dd"} <= set(_TOKEN.findall(text))


def _from_number(value: float, formats: tuple[str, ...], zone: ZoneInfo) -> int:
    if "epoch_s" in formats:
        return round(value * 1000)
    if "epoch_ms" in formats:
        return round(value)
    if not 1 <= value < _MAX_EXCEL_DAY:
        raise ValueError("not a day of Excel")
    seconds = round(value * 86_400)
    return to_ms((_EXCEL_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=zone))


def _from_text(text: str, time_format: str, zone: ZoneInfo) -> datetime | None:
    """Return the time; None for a text of another format. Raises ValueError for a time that does not exist."""
    if time_format in ("epoch_s", "epoch_ms"):
        return datetime.fromtimestamp(float(text) / (1000 if time_format == "epoch_ms" else 1), UTC)
    if time_format == "rfc3339":
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)
    match = _pattern(time_format).match(text)
    if match is None:
        return None
    parts = {name: int(digits) for name, digits in match.groupdict().items() if digits}
    return datetime(**parts, tzinfo=zone)


@cache
def _pattern(time_format: str) -> re.Pattern[str]:
    """Return the regular expression of a format; what stands in `[…]` may be absent."""
    pattern = ""
    for token in _TOKEN.findall(time_format):
        pattern += {"[": "(?:", "]": ")?"}.get(token) or _PARTS.get(token) or re.escape(token)
    return re.compile(f"^{pattern}$")
