"""Read a TOML table field by field, and write one: definition files and source configurations share this reader.

What a fault leads to is up to the list of faults that a table is made with. Definitions collect all faults of a file in
a plain list; sources stop at the first one (`RaiseAtFirstFault`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Any, Protocol, overload

import tomli_w

from ioc.errors import ConfigurationInvalid
from ioc.messages import Message
from ioc.model.duration import DurationInvalid, parse_duration

LANGUAGES = ("vi", "en")
ID = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$")
_EXPECTED_CODES = {
    "a text": "text",
    "a number": "number",
    "a whole number": "whole_number",
    "true or false": "flag",
    "a table { … }": "table",
    "a list of tables [{ … }]": "tables",
    'a list of texts ["…"]': "words",
    '{ vi = "…", en = "…" }': "names",
}


@dataclass(frozen=True, slots=True)
class DefinitionFault:
    """One thing to correct in a file of definitions.

    `kpi` names the table: the KPI's id, or `measure ID`, `case_type ID`, `sector ID`, `scene ID`; empty when the file
    as a whole is at fault. `field` is the path inside the table, such as `aggregate.take`. `message` is one sentence;
    it may begin with a verb ("is missing; …") whose subject is the field.
    """

    file: str
    kpi: str
    field: str
    message: Message

    @property
    def whole(self) -> Message:
        """The message with the place: file, table and field."""
        place = "".join(f"{part} · " for part in (self.file, self.kpi, self.field) if part)
        return Message("definition_fault", place=place, fault=self.message)

    def shape(self) -> dict[str, Any]:
        """Return the JSON of a fault; `given` are the parameters of its code."""
        coded = Message.of(self.message).shape()
        places = {"file": self.file, "kpi": self.kpi, "field": self.field}
        return {**places, "message": str(self.message), "code": coded["code"], "given": coded["params"]}

    def __str__(self) -> str:
        return str(self.whole)


class CatalogInvalid(ConfigurationInvalid):
    """The definitions cannot be used; those in force stay. `faults` holds everything that was found."""

    def __init__(self, faults: Sequence[DefinitionFault]) -> None:
        super().__init__(Message("faults_found", faults=[fault.whole for fault in faults]))
        self.faults = list(faults)


class FaultList(Protocol):
    """Where a table puts its faults."""

    def append(self, fault: DefinitionFault, /) -> None:
        """Note a fault, or raise it."""

    def __len__(self) -> int: ...


class RaiseAtFirstFault:
    """A list of faults that raises the first one as ConfigurationInvalid, "air.toml: poll.url is missing; …"."""

    def append(self, fault: DefinitionFault, /) -> None:
        """Raise the fault."""
        raise _invalid(fault)

    def __len__(self) -> int:
        return 0


class TomlTable:
    """One TOML table. A reading method notes a fault and returns its default when a field is missing or wrong.

    Each method that reads a field counts it as known; `finish` reports the fields that nobody read. `data` is the
    unchecked content. Not thread-safe.
    """

    def __init__(
        self,
        subject: str,
        data: Mapping[str, Any],
        files: Mapping[str, str],
        file: str,
        faults: FaultList,
        *,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Make a reader of `data`.

        `subject` is how faults name the table. `file` is the file it comes from, and `files` the file of each field
        that an overlay has set. With an `environment`, a text `env:NAME` stands for that variable, so that a file
        holds no secret.
        """
        self.subject = subject
        self.data = data
        self.file = file
        self._files = files
        self._faults = faults
        self._environment = environment
        self._prefix = ""
        self._known_fields: set[str] = set()
        self._faults_at_start = len(faults)

    @property
    def sound(self) -> bool:
        """Whether no fault has been noted since the table was made."""
        return len(self._faults) == self._faults_at_start

    def has(self, field: str) -> bool:
        """Whether the field is in the table, whatever its value."""
        return field in self.data

    def fault(self, field: str, message: Message) -> None:
        """Note a fault of a field of this table."""
        self._faults.append(self._fault_of(field, message))

    def invalid(self, field: str, message: Message) -> ConfigurationInvalid:
        """Return the error for a caller that stops at this fault: `raise table.invalid("url", Message(…))`."""
        return _invalid(self._fault_of(field, message))

    def raw(self, field: str, default: Any = None) -> Any:
        """Return the value as TOML gives it, unchecked."""
        self._known_fields.add(field)
        return self.data.get(field, default)

    def table(self, field: str, *, required: bool = True) -> TomlTable:
        """Return an inner table; an empty one when it is missing or not a table."""
        self._known_fields.add(field)
        data: Mapping[str, Any] = {}
        if required or field in self.data:
            data = self._value(field, dict, "a table { … }", {})
        return self._inner(data, field, f"{field}.")

    def tables(self, field: str) -> list[TomlTable]:
        """Return a list of inner tables; empty when the field is missing."""
        self._known_fields.add(field)
        if field not in self.data:
            return []
        tables = []
        for index, entry in enumerate(self._value(field, list, "a list of tables [{ … }]", [])):
            if isinstance(entry, dict):
                tables.append(self._inner(entry, field, f"{field}[{index}]."))
            else:
                self.fault(f"{field}[{index}]", Message("wrong_type", given=repr(entry), wanted="table"))
        return tables

    def identifier(self, field: str = "id") -> str:
        """Return an id such as `air.pm25_mean`."""
        text = self.text(field)
        if text and not ID.match(text):
            self.fault(field, Message("no_id", given=text))
        return text

    def text(self, field: str, default: str | None = None) -> str:
        """Return a text. Without a default it must be there and not be empty."""
        if default is not None and field not in self.data:
            self._known_fields.add(field)
            return default
        text: str = self._value(field, str, "a text", "")
        if default is None and isinstance(self.data.get(field), str) and not text.strip():
            self.fault(field, Message("empty"))
        if self._environment is not None and text.startswith("env:"):
            name = text.removeprefix("env:")
            if name not in self._environment:
                self.fault(field, Message("variable_not_set", name=name))
            return self._environment.get(name, "")
        return text

    def texts_by_name(self, field: str) -> dict[str, str]:
        """Return a table whose values are all texts; empty when the field is missing."""
        inner = self.table(field, required=False)
        return {name: inner.text(name, "") for name in inner.data}

    def choice(self, field: str, choices: Collection[str], default: str | None = None) -> str:
        """Return one of `choices`; empty, with a fault, for another text."""
        text = self.text(field, default)
        if text and text not in choices:
            self.fault(field, Message("none_of", given=text, nearest=closest(text, choices), known=list(choices)))
            return ""
        return text

    @overload
    def number(self, field: str) -> float | None: ...
    @overload
    def number(self, field: str, default: float) -> float: ...
    def number(self, field: str, default: float | None = None) -> float | None:
        """Return a finite number, or the default (None) when the field is missing or wrong."""
        if field not in self.data:
            self._known_fields.add(field)
            return default
        value = self._value(field, (int, float), "a number", None)
        if value is None:
            return default
        if not math.isfinite(value):
            self.fault(field, Message("not_finite", given=value))
            return default
        return float(value)

    def whole(self, field: str, default: int, least: int, most: int) -> int:
        """Return a whole number from `least` to `most`, or the default when the field is missing or not a number."""
        if field not in self.data:
            self._known_fields.add(field)
            return default
        value: int = self._value(field, int, "a whole number", default)
        if not least <= value <= most:
            self.fault(field, Message("out_of_range", given=value, least=least, most=most))
        return value

    def flag(self, field: str, default: bool = False) -> bool:
        """Return true or false."""
        if field not in self.data:
            self._known_fields.add(field)
            return default
        return bool(self._value(field, bool, "true or false", default))

    def names(self, field: str, *, required: bool = True) -> dict[str, str]:
        """Return a text in each language of the centre, by `vi` and `en`."""
        if not required and field not in self.data:
            self._known_fields.add(field)
            return {}
        given = self._value(field, dict, '{ vi = "…", en = "…" }', {})
        if isinstance(self.data.get(field), dict):
            for language in LANGUAGES:
                if not isinstance(given.get(language), str) or not given[language].strip():
                    self.fault(f"{field}.{language}", Message("language_missing", language=language))
            for language in given:
                if language not in LANGUAGES:
                    self.fault(f"{field}.{language}", Message("unknown_language", language=language))
        return dict(given)

    def texts(self, field: str, *, required: bool, unique: bool = True) -> tuple[str, ...]:
        """Return a list of texts, by default without repetition; empty when it is missing or wrong."""
        if not required and field not in self.data:
            self._known_fields.add(field)
            return ()
        given = self._value(field, list, 'a list of texts ["…"]', [])
        if not all(isinstance(text, str) and text for text in given):
            self.fault(field, Message("not_words", given=given))
            return ()
        if unique and len(set(given)) < len(given):
            self.fault(field, Message("named_twice", given=given))
        if required and field in self.data and not given:
            self.fault(field, Message("empty_list"))
        return tuple(given)

    def duration(self, field: str, default: str | None = None, *, required: bool = False) -> timedelta | None:
        """Return a duration such as 500ms, 30s, 15m, 24h or 7d; None when it is missing without a default, or wrong."""
        if field not in self.data and not required:
            self._known_fields.add(field)
            return None if default is None else parse_duration(default)
        given = self.data.get(field)
        text = str(self.raw(field)) if isinstance(given, int | float) else self.text(field)
        try:
            return parse_duration(text) if text else None
        except DurationInvalid:
            self.fault(field, Message("no_length", given=text))
            return None

    def day(self, field: str, *, required: bool = True) -> date | None:
        """Return a day, written 2026-11-22; None when it is missing or wrong."""
        if not required and field not in self.data:
            self._known_fields.add(field)
            return None
        text = self.text(field)
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            self.fault(field, Message("no_day", given=text))
            return None

    def skip(self, field: str) -> None:
        """Count the field as known: it is read, or reported, in another way."""
        self._known_fields.add(field)

    def finish(self, also: Collection[str] = ()) -> None:
        """Note a fault for each field that nobody read and that is not in `also`."""
        known = self._known_fields | set(also)
        for field in self.data:
            if field not in known:
                self.fault(
                    field, Message("unknown_field", given=field, nearest=closest(field, known), known=_listed(known))
                )

    def _inner(self, data: Mapping[str, Any], field: str, prefix: str) -> TomlTable:
        file = self._files.get(field, self.file)
        inner = TomlTable(self.subject, data, {}, file, self._faults, environment=self._environment)
        inner._prefix = f"{self._prefix}{prefix}"
        return inner

    def _fault_of(self, field: str, message: Message) -> DefinitionFault:
        file = self._files.get(field, self.file)
        return DefinitionFault(file, self.subject, self._prefix + field, message)

    def _value(self, field: str, kind: type | tuple[type, ...], expected: str, default: Any) -> Any:
        self._known_fields.add(field)
        wanted = _EXPECTED_CODES.get(expected, expected)
        if field not in self.data:
            self.fault(field, Message("missing", wanted=wanted))
            return default
        value = self.data[field]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.fault(field, Message("wrong_type", given=repr(value), wanted=wanted))
            return default
        return value


def closest(word: str, known: Collection[str]) -> str:
    """Return the most similar known word; empty when nothing is similar."""
    return next(iter(get_close_matches(word, list(map(str, known)), n=1)), "")


def toml_text(data: Mapping[str, Any]) -> str:
    """Return the data as TOML. Fields that are null (JSON knows them, TOML does not) are left out."""
    return tomli_w.dumps(_without_nulls(data))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_without_nulls(inner) for inner in value if inner is not None]
    return value


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _invalid(fault: DefinitionFault) -> ConfigurationInvalid:
    """Return the fault as an error; a message that begins with a verb goes on from the name of the field."""
    link = "" if not fault.field else " " if fault.message[:1].islower() else ": "
    place = f"{fault.file}: {fault.field}{link}"
    return ConfigurationInvalid(Message("definition_fault", place=place, fault=fault.message))
