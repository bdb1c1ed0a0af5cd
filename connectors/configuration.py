"""Source configurations: one TOML file a source, checked; every fault names file and field."""

from __future__ import annotations

import dataclasses
import os
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from connectors.checkpoint import checked_source_name
from connectors.same_key import OF_DEDUPE, SameKey
from ioc.errors import ConfigurationInvalid
from ioc.model.duration import DurationInvalid, parse_duration
from ioc.model.personal import PersonalTreatment

KINDS = ("http_push", "http_poll", "file_drop", "mqtt")
TABLE_OF = {"http_push": "push", "http_poll": "poll", "file_drop": "file", "mqtt": "mqtt"}


class Table:
    """A TOML table read field by field; `done` refuses what nobody asked for."""

    def __init__(self, file: str, data: Mapping[str, Any], prefix: str = "") -> None:
        self.file = file
        self._data = data
        self._prefix = prefix
        self._asked: set[str] = set()

    def fault(self, field: str, sentence: str) -> ConfigurationInvalid:
        return ConfigurationInvalid(f"{self.file}: {self._prefix}{field} {sentence}")

    def has(self, field: str) -> bool:
        return field in self._data

    def any(self, field: str, default: Any = None) -> Any:
        self._asked.add(field)
        return self._data.get(field, default)

    def text(self, field: str, default: str | None = None) -> str:
        """`env:NAME` stands for that environment variable, so that no secret is in the file."""
        given = self._required(field, default)
        if not isinstance(given, str):
            raise self.fault(field, f"is {given!r}, not a text.")
        if given.startswith("env:"):
            if given[4:] not in os.environ:
                raise self.fault(field, f"names the environment variable {given[4:]}, which is not set.")
            return os.environ[given[4:]]
        return given

    def one_of(self, field: str, words: tuple[str, ...], default: str | None = None) -> str:
        given = self.text(field, default)
        if given not in words:
            raise self.fault(field, f"is {given!r}, none of {', '.join(words)}.")
        return given

    def number(self, field: str, default: float | None = None) -> float:
        given = self._required(field, default)
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise self.fault(field, f"is {given!r}, not a number.")
        return given

    def flag(self, field: str, default: bool) -> bool:
        given = self.any(field, default)
        if not isinstance(given, bool):
            raise self.fault(field, f"is {given!r}, not true or false.")
        return given

    def span(self, field: str, default: str | None = None) -> timedelta:
        """A length of time: `500ms`, `30s`, `10m`, `24h`, `7d`."""
        given = self._required(field, default)
        try:
            return parse_duration(given if isinstance(given, str) else "")
        except DurationInvalid:
            raise self.fault(field, f"is {given!r}, not a length of time as 30s, 10m, 24h.") from None

    def words(self, field: str) -> dict[str, str]:
        """A table of texts; empty when it is absent."""
        table = self.table(field)
        return {name: table.text(name) for name in self._data.get(field, {})}

    def table(self, field: str) -> Table:
        """Empty when it is absent."""
        given = self.any(field, {})
        if not isinstance(given, dict):
            raise self.fault(field, f"is {given!r}, not a table.")
        return Table(self.file, given, f"{self._prefix}{field}.")

    def texts(self, field: str) -> tuple[str, ...]:
        """A list of texts; empty when it is absent."""
        given = self.any(field, [])
        if not isinstance(given, list) or not all(isinstance(word, str) and word for word in given):
            raise self.fault(field, f'is {given!r}, not a list of texts ["…"].')
        return tuple(given)

    def tables(self, field: str) -> list[Table]:
        given = self.any(field, [])
        if not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
            raise self.fault(field, "is not a list of tables.")
        return [Table(self.file, row, f"{self._prefix}{field}[{i}].") for i, row in enumerate(given)]

    def as_given(self) -> Mapping[str, Any]:
        """All of it unchecked, for tables whose names are the source's own."""
        return self._data

    def names(self) -> list[str]:
        return list(self._data)

    def done(self) -> None:
        """Raises ConfigurationInvalid for a field that means nothing here."""
        for field in self._data:
            if field not in self._asked:
                raise self.fault(field, f"means nothing here; known are {', '.join(sorted(self._asked))}.")

    def _required(self, field: str, default: Any) -> Any:
        given = self.any(field, default)
        if given is None:
            raise self.fault(field, "is missing.")
        return given


ATTRIBUTE = "attributes."
PERSONAL_OF_CASES = ("case_id", "channel", "service")
PERSONAL_OF_READINGS = ("subject",)


@dataclass(frozen=True)
class SourceConfiguration:
    """`own` is the kind's own table, `mapping` the one from foreign fields; both are checked by who uses them.

    `expected_every` is the longest pause that is usual; after a longer one the source is late. `feeds` names measures
    and case types (or patterns, `lgsp.*`) that it gives and its mapping does not tell. `same_key` is what a record
    means whose key came before (docs/repeats.md). `personal` tells by field, `attributes.NAME` among them, what is done
    with what may name a person (connectors/personal.py).
    """

    source: str
    kind: str
    name: dict[str, str]
    expected_every: timedelta | None
    same_key: SameKey
    own: Table
    mapping: Table
    feeds: tuple[str, ...] = ()
    personal: Mapping[str, PersonalTreatment] = dataclasses.field(default_factory=dict)


def read_source(path: Path) -> SourceConfiguration:
    """The source named by the file's stem. Raises ConfigurationInvalid naming file and field."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # editors of Windows put a byte order mark
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise ConfigurationInvalid(f"{path.name}: cannot be read: {fault}.") from fault
    if "mapping" in data:
        data["mapping"] = _composed(data["mapping"])
    table = Table(path.name, data)
    kind = table.one_of("kind", KINDS)
    name = table.words("name")
    if not name.get("vi") or not name.get("en"):
        raise table.fault("name", 'needs a Vietnamese and an English text: { vi = "…", en = "…" }.')
    configuration = SourceConfiguration(
        source=checked_source_name(path.stem),
        kind=kind,
        name=name,
        expected_every=table.span("expected_every") if table.has("expected_every") else None,
        same_key=_same_key(table),
        own=table.table(TABLE_OF[kind]),
        mapping=table.table("mapping"),
        feeds=table.texts("feeds"),
        personal=_personal(table.table("personal")),
    )
    table.done()
    return configuration


def _personal(table: Table) -> dict[str, PersonalTreatment]:
    """Read the table `[personal]`. Raises ConfigurationInvalid naming the field."""
    attributes = table.table("attributes")
    fields = [(name, table, name) for name in table.as_given() if name != "attributes"]
    fields += [(f"{ATTRIBUTE}{name}", attributes, name) for name in attributes.as_given()]
    treatments = {}
    for field_name, holder, name in fields:
        if holder is table and name not in (*PERSONAL_OF_CASES, *PERSONAL_OF_READINGS):
            known = ", ".join((*PERSONAL_OF_CASES, *PERSONAL_OF_READINGS))
            raise table.fault(name, f"cannot be personal; there are {known} and the names of [personal.attributes].")
        treatments[field_name] = PersonalTreatment(holder.one_of(name, tuple(PersonalTreatment)))
        if name == "case_id" and holder is table and treatments[field_name] is PersonalTreatment.DROP:
            raise table.fault(name, 'cannot be dropped: the versions of a case belong together by it; write "hash".')
    attributes.done()
    table.done()
    return treatments


def _composed(given: Any) -> Any:
    """Write all names and texts with one character per accented letter (NFC), as rows are read."""
    if isinstance(given, str):
        return unicodedata.normalize("NFC", given)
    if isinstance(given, dict):
        return {_composed(name): _composed(value) for name, value in given.items()}
    return [_composed(value) for value in given] if isinstance(given, list) else given


def _same_key(table: Table) -> SameKey:
    """The field `same_key`, or `dedupe`, its former name. Raises ConfigurationInvalid."""
    if not table.has("dedupe"):
        return SameKey(table.one_of("same_key", tuple(SameKey), SameKey.REPEAT))
    if table.has("same_key"):
        raise table.fault("dedupe", "is the former name of same_key; remove it.")
    return OF_DEDUPE[table.one_of("dedupe", tuple(OF_DEDUPE))]
