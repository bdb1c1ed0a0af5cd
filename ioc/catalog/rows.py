"""One table of a definition file, read field by field; each fault is noted and reading goes on."""

import math
import re
from collections.abc import Collection, Mapping
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Any

from ioc.catalog.faults import Fault

LANGUAGES = ("vi", "en")
ID = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$")
_LENGTH = re.compile(r"^([1-9]\d{0,5})([smhd])$")
_WANTED = {
    "a text": "text",
    "a number": "number",
    "a whole number": "whole_number",
    "true or false": "flag",
    "a table { … }": "table",
    "a list of tables [{ … }]": "tables",
    'a list of texts ["…"]': "words",
    '{ vi = "…", en = "…" }': "names",
}
_STEP = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Row:
    """A TOML table. A reader notes a Fault and returns its default when the field is missing or of another type.

    `subject` is how faults name the table, `files` says from which file each field came (an overlay may set some).
    """

    def __init__(
        self, subject: str, data: Mapping[str, Any], files: Mapping[str, str], file: str, faults: list[Fault]
    ) -> None:
        self.subject = subject
        self.data = data
        self._files = files
        self._file = file
        self._faults = faults
        self._before = ""
        self._read: set[str] = set()
        self._faults_at_start = len(faults)

    @property
    def sound(self) -> bool:
        """Nothing was wrong so far."""
        return len(self._faults) == self._faults_at_start

    def has(self, field: str) -> bool:
        return field in self.data

    def fault(self, field: str, message: str, code: str = "", **given: Any) -> None:
        file = self._files.get(field, self._file)
        self._faults.append(Fault(file, self.subject, self._before + field, message, code, given))

    def table(self, field: str) -> "Row":
        """An inner table; empty when it is none."""
        data = self._value(field, dict, "a table { … }", {})
        inner = Row(self.subject, data, {}, self._files.get(field, self._file), self._faults)
        inner._before = f"{self._before}{field}."
        return inner

    def tables(self, field: str) -> list["Row"]:
        """A list of inner tables; empty when the field is missing."""
        if field not in self.data:
            return []
        entries = self._value(field, list, "a list of tables [{ … }]", [])
        rows = []
        for place, entry in enumerate(entries):
            if not isinstance(entry, dict):
                place_of_it = f"{field}[{place}]"
                self.fault(
                    place_of_it, f"{entry!r} is not a table {{ … }}.", "wrong_type", given=repr(entry), wanted="table"
                )
                continue
            row = Row(self.subject, entry, {}, self._files.get(field, self._file), self._faults)
            row._before = f"{self._before}{field}[{place}]."
            rows.append(row)
        return rows

    def identifier(self, field: str = "id") -> str:
        text = self.text(field)
        if text and not ID.match(text):
            message = f"{text!r} is no id: small letters, digits and _, parts joined by dots, as air.pm25_mean."
            self.fault(field, message, "no_id", given=text)
        return text

    def text(self, field: str, default: str | None = None) -> str:
        """Missing without a default is a fault."""
        if default is not None and field not in self.data:
            self._read.add(field)
            return default
        text: str = self._value(field, str, "a text", "")
        if default is None and field in self.data and isinstance(self.data[field], str) and not text.strip():
            self.fault(field, "is empty; write what it is.", "empty")
        return text

    def choice(self, field: str, choices: Collection[str], default: str | None = None) -> str:
        text = self.text(field, default)
        if text and text not in choices:
            message = f"{text!r} is none of {', '.join(choices)}{nearest(text, choices)}."
            self.fault(field, message, "none_of", given=text, known=list(choices), nearest=closest(text, choices))
            return ""
        return text

    def number(self, field: str, default: float | None = None) -> float | None:
        """A finite number, or None."""
        if field not in self.data:
            self._read.add(field)
            return default
        value = self._value(field, (int, float), "a number", None)
        if value is not None and not math.isfinite(value):
            self.fault(field, f"is {value}; write a finite number.", "not_finite")
            return default
        return None if value is None else float(value)

    def whole(self, field: str, default: int, least: int, most: int) -> int:
        if field not in self.data:
            self._read.add(field)
            return default
        value: int = self._value(field, int, "a whole number", default)
        if not least <= value <= most:
            message = f"is {value}; write a whole number from {least} to {most}."
            self.fault(field, message, "out_of_range", given=value, least=least, most=most)
        return value

    def flag(self, field: str) -> bool:
        if field not in self.data:
            self._read.add(field)
            return False
        return bool(self._value(field, bool, "true or false", False))

    def names(self, field: str, *, required: bool = True) -> dict[str, str]:
        """A text in each language of the centre."""
        if not required and field not in self.data:
            self._read.add(field)
            return {}
        given = self._value(field, dict, '{ vi = "…", en = "…" }', {})
        if field in self.data and isinstance(self.data[field], dict):
            for language in LANGUAGES:
                if not isinstance(given.get(language), str) or not given[language].strip():
                    message = f"The {language} text is missing; write it beside the other one."
                    self.fault(f"{field}.{language}", message, "language_missing", language=language)
            for language in given:
                if language not in LANGUAGES:
                    message = f"No language of the centre is {language!r}; it has vi and en."
                    self.fault(f"{field}.{language}", message, "unknown_language", language=language)
        return dict(given)

    def words(self, field: str, *, required: bool) -> tuple[str, ...]:
        """A list of texts without repetition."""
        if not required and field not in self.data:
            self._read.add(field)
            return ()
        given = self._value(field, list, 'a list of texts ["…"]', [])
        if not all(isinstance(word, str) and word for word in given):
            self.fault(field, f"{given!r} is not a list of texts.", "not_words", given=repr(given))
            return ()
        if len(set(given)) < len(given):
            self.fault(field, f"{given!r} names one twice.", "named_twice", given=", ".join(given))
        if required and field in self.data and not given:
            self.fault(field, "is empty; name at least one.", "empty_list")
        return tuple(given)

    def length(self, field: str, *, required: bool = False) -> timedelta | None:
        """A stretch of time: 30s, 15m, 24h, 7d."""
        if not required and field not in self.data:
            self._read.add(field)
            return None
        text = self.text(field)
        match = _LENGTH.match(text)
        if text and match is None:
            message = f"{text!r} is no length of time; write it as 30s, 15m, 24h or 7d."
            self.fault(field, message, "no_length", given=text)
        return timedelta(**{_STEP[match[2]]: int(match[1])}) if match else None

    def day(self, field: str, *, required: bool = True) -> date | None:
        """A day, written 2026-11-22."""
        if not required and field not in self.data:
            self._read.add(field)
            return None
        text = self.text(field)
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            self.fault(field, f'{text!r} is no day; write it as "2026-11-22".')
            return None

    def passed_over(self, field: str) -> None:
        """The field is known, and read or told of otherwise."""
        self._read.add(field)

    def finish(self, also: Collection[str] = ()) -> None:
        """Notes each field that nobody read."""
        known = self._read | set(also)
        for field in self.data:
            if field not in known:
                message = f"No field is called {field!r} here{nearest(field, known)}."
                self.fault(field, message, "unknown_field", given=field, nearest=closest(field, known))

    def _value(self, field: str, kind: type | tuple[type, ...], what: str, default: Any) -> Any:
        self._read.add(field)
        if field not in self.data:
            self.fault(field, f"is missing; write {what}.", "missing", wanted=_WANTED.get(what, what))
            return default
        value = self.data[field]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.fault(
                field, f"{value!r} is not {what}.", "wrong_type", given=repr(value), wanted=_WANTED.get(what, what)
            )
            return default
        return value


def nearest(word: str, known: Collection[str]) -> str:
    """A hint at what may have been meant, to be put before the full stop of a sentence."""
    close = closest(word, known)
    return f"; did you mean {close!r}?" if close else ""


def closest(word: str, known: Collection[str]) -> str:
    """What may have been meant, empty when nothing is like it."""
    return next(iter(get_close_matches(word, list(known), n=1)), "")
