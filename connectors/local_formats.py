"""Numbers and times as Vietnamese agencies write them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from ioc.clock import from_ms, to_ms
from ioc.errors import RecordUnfit
from ioc.model.rejection import Reason

_VIETNAMESE = re.compile(r"^[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?$")
_TRUTHS = {
    True: frozenset({"1", "1.0", "true", "yes", "có", "đúng", "x"}),
    False: frozenset({"0", "0.0", "false", "no", "không", "sai"}),
}
_WORDS = {"dd": r"(?P<day>\d{1,2})", "MM": r"(?P<month>\d{1,2})", "yyyy": r"(?P<year>\d{4})"}
_WORDS |= {"HH": r"(?P<hour>\d{1,2})", "mm": r"(?P<minute>\d{2})", "ss": r"(?P<second>\d{2})"}
_TOKEN = re.compile(r"dd|MM|yyyy|HH|mm|ss|\[|\]|.", re.DOTALL)
_USUAL = ("rfc3339", "dd/MM/yyyy[ HH:mm[:ss]]", "yyyy-MM-dd[ HH:mm[:ss]]")
# Excel counts days from here, since it takes 1900 for a leap year.
_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001


def number_of(given: Any, numbers: str, field: str) -> float:
    """A number, or a text of one: `1.234,5` when `numbers` is `vietnamese`, `1234.5` when `plain`."""
    if isinstance(given, bool):
        raise RecordUnfit(Reason.WRONG_TYPE, field, f"`{field}` is {given!r}, not a number.")
    if isinstance(given, int | float):
        return float(given)
    text = str(given).strip().replace(" ", "").replace("\u00a0", "")
    if numbers == "vietnamese":
        if not _VIETNAMESE.match(text):
            raise RecordUnfit(Reason.WRONG_TYPE, field, f"`{field}` is {given!r}, not a number written as 1.234,5.")
        text = text.replace(".", "").replace(",", ".")
    try:
        return float(text)
    except ValueError:
        raise RecordUnfit(Reason.WRONG_TYPE, field, f"`{field}` is {given!r}, not a number.") from None


def truth_of(given: Any, field: str) -> bool:
    """True or false, also as agencies write them: Có, Không, x, 1, 0."""
    word = "1" if given is True else "0" if given is False else str(given).strip().casefold()
    for truth, words in _TRUTHS.items():
        if word in words:
            return truth
    raise RecordUnfit(
        Reason.WRONG_TYPE, field, f"`{field}` is {given!r}, neither yes (Có, 1, true) nor no (Không, 0, false)."
    )


def day_of(given: Any, formats: tuple[str, ...], zone: ZoneInfo, field: str) -> str:
    """The day of a time, as 2026-11-30. Raises RecordUnfit."""
    return from_ms(time_of(given, formats, zone, field)).astimezone(zone).date().isoformat()


def time_of(given: Any, formats: tuple[str, ...], zone: ZoneInfo, field: str) -> int:
    """Milliseconds since 1970 UTC. What carries no zone is in `zone`. A number is a day count of Excel's unless a
    format says seconds or milliseconds. Raises RecordUnfit."""
    try:
        if isinstance(given, datetime):
            return to_ms(given if given.tzinfo else given.replace(tzinfo=zone))
        if isinstance(given, int | float) and not isinstance(given, bool):
            return _counted(given, formats, zone)
        text = str(given).strip()
        for wanted in formats or _USUAL:
            moment = _written(text, wanted, zone)
            if moment is not None:
                return to_ms(moment)
    except (ValueError, OverflowError):
        pass
    how = " or ".join(formats or _USUAL)
    raise RecordUnfit(Reason.WRONG_TYPE, field, f"`{field}` is {given!r}, not a time written as {how}.")


def words_of_time(wanted: str) -> bool:
    """Whether a format is one."""
    return wanted in ("rfc3339", "epoch_s", "epoch_ms") or {"yyyy", "MM", "dd"} <= set(_TOKEN.findall(wanted))


def _counted(given: float, formats: tuple[str, ...], zone: ZoneInfo) -> int:
    if "epoch_s" in formats:
        return round(given * 1000)
    if "epoch_ms" in formats:
        return round(given)
    if not 1 <= given < 2_958_466:
        raise ValueError("no day of Excel's")
    seconds = round(given * 86_400)
    return to_ms((_EXCEL_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=zone))


def _written(text: str, wanted: str, zone: ZoneInfo) -> datetime | None:
    if wanted in ("epoch_s", "epoch_ms"):
        count = float(text)
        return datetime.fromtimestamp(count / (1000 if wanted == "epoch_ms" else 1), UTC)
    if wanted == "rfc3339":
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)
    match = _pattern(wanted).match(text)
    if match is None:
        return None
    parts = {name: int(digits) for name, digits in match.groupdict().items() if digits}
    return datetime(**parts, tzinfo=zone)


@cache
def _pattern(wanted: str) -> re.Pattern[str]:
    """`[…]` may be absent."""
    made = ""
    for token in _TOKEN.findall(wanted):
        made += {"[": "(?:", "]": ")?"}.get(token) or _WORDS.get(token) or re.escape(token)
    return re.compile(f"^{made}$")
