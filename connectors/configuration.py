"""Source configurations: one TOML file per source, in a directory that is watched for changes."""

from __future__ import annotations

import dataclasses
import errno
import os
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from connectors.checkpoint import checked_source_name
from connectors.registry import KINDS
from connectors.same_key import FORMER_DEDUPE_VALUES, SameKey
from ioc.catalog.toml_table import RaiseAtFirstFault, TomlTable
from ioc.errors import ConfigurationInvalid
from ioc.messages import Message
from ioc.model.personal_fields import PersonalTreatment

ATTRIBUTE = "attributes."
PERSONAL_CASE_FIELDS = ("case_id", "channel", "service")
PERSONAL_READING_FIELDS = ("subject",)
_SYSTEM_ERRORS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO)
"""Errors that are not the file's fault; reading it again later helps."""


@dataclass(frozen=True)
class SourceConfiguration:
    """One configured source.

    `own` is the kind's own table and `mapping` the one from the source's fields; whoever uses them checks them.
    `expected_every` is the longest usual pause; after a longer one the source is late. `feeds` names measures and case
    types (or patterns such as `lgsp.*`) that the source gives and its mapping does not name. `same_key` says what a
    record means whose key was sent before (docs/repeats.md). `personal` says by field, `attributes.NAME` among them,
    what is done with data that may identify a person (connectors/personal.py).
    """

    source: str
    kind: str
    name: dict[str, str]
    expected_every: timedelta | None
    same_key: SameKey
    own: TomlTable
    mapping: TomlTable
    feeds: tuple[str, ...] = ()
    personal: Mapping[str, PersonalTreatment] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class SourceFileChanges:
    """What changed in the directory since the last look.

    `read` holds the sources whose file is new or changed, as read or with its fault; `gone` those whose file is gone.
    """

    read: dict[str, SourceConfiguration | ConfigurationInvalid]
    gone: set[str]


class SourceDirectory:
    """The `*.toml` files of one directory; the stem of a file is the name of its source.

    A missing directory counts as an empty one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: dict[str, tuple[int, int, int]] = {}

    def changes(self) -> SourceFileChanges:
        """Return what changed since the last call.

        Raises OSError when the system cannot read the directory or a file now (descriptors used up, a disk error);
        then nothing counts as seen, and the next call returns all changes.
        """
        present: dict[str, tuple[int, int, int]] = {}
        for path in sorted(self._path.glob("*.toml")) if self._path.is_dir() else []:
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            present[path.stem] = (status.st_mtime_ns, status.st_size, status.st_ino)
        changed = [source for source, stamp in present.items() if self._seen.get(source) != stamp]
        gone = set(self._seen) - set(present)
        read = {source: self._read(source) for source in changed}
        self._seen = present
        return SourceFileChanges(read, gone)

    def _read(self, source: str) -> SourceConfiguration | ConfigurationInvalid:
        try:
            return read_source(self._path / f"{source}.toml")
        except ConfigurationInvalid as fault:
            if isinstance(fault.__cause__, OSError) and fault.__cause__.errno in _SYSTEM_ERRORS:
                raise fault.__cause__ from None
            return fault


def read_source(path: Path) -> SourceConfiguration:
    """Return the source named by the file's stem. Raises ConfigurationInvalid naming file and field."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # editors of Windows write a byte order mark
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise ConfigurationInvalid(Message("source_file_unreadable", path=path.name, reason=str(fault))) from fault
    if "mapping" in data:
        data["mapping"] = _composed(data["mapping"])
    table = source_table(data, path.name)
    kind = table.choice("kind", tuple(KINDS))
    name = table.names("name")
    configuration = SourceConfiguration(
        source=checked_source_name(path.stem),
        kind=kind,
        name=name,
        expected_every=table.duration("expected_every"),
        same_key=_same_key(table),
        own=table.table(KINDS[kind].table, required=False),
        mapping=table.table("mapping", required=False),
        feeds=table.texts("feeds", required=False, unique=False),
        personal=_personal(table.table("personal", required=False)),
    )
    table.finish()
    return configuration


def source_table(data: Mapping[str, Any], file: str) -> TomlTable:
    """Return a table of a source's file: its first fault is raised, and `env:NAME` stands for a variable."""
    return TomlTable("", data, {}, file, RaiseAtFirstFault(), environment=os.environ)


def _personal(table: TomlTable) -> dict[str, PersonalTreatment]:
    """Read the table `[personal]`. Raises ConfigurationInvalid naming the field."""
    attributes = table.table("attributes", required=False)
    fields = [(name, table, name) for name in table.data if name != "attributes"]
    fields += [(f"{ATTRIBUTE}{name}", attributes, name) for name in attributes.data]
    known = (*PERSONAL_CASE_FIELDS, *PERSONAL_READING_FIELDS)
    treatments = {}
    for field_name, holder, name in fields:
        if holder is table and name not in known:
            raise table.invalid(name, Message("not_personal", known=", ".join(known)))
        treatments[field_name] = PersonalTreatment(holder.choice(name, tuple(PersonalTreatment)))
        if name == "case_id" and holder is table and treatments[field_name] is PersonalTreatment.DROP:
            raise table.invalid(name, Message("personal_not_dropped"))
    attributes.finish()
    table.finish()
    return treatments


def _composed(value: Any) -> Any:
    """Write all names and texts with one character per accented letter (NFC), as rows are read."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, dict):
        return {_composed(name): _composed(inner) for name, inner in value.items()}
    return [_composed(inner) for inner in value] if isinstance(value, list) else value


def _same_key(table: TomlTable) -> SameKey:
    """Read the field `same_key`, or `dedupe`, its former name. Raises ConfigurationInvalid."""
    if not table.has("dedupe"):
        return SameKey(table.choice("same_key", tuple(SameKey), SameKey.REPEAT))
    if table.has("same_key"):
        raise table.invalid("dedupe", Message("same_key_former"))
    return FORMER_DEDUPE_VALUES[table.choice("dedupe", tuple(FORMER_DEDUPE_VALUES))]
