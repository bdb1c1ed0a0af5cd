"""Read pack files: the package's own, and those of the province over them."""

import pickle
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ioc.catalog.expressions import EXPRESSIONS
from ioc.catalog.rule_conditions import CONDITIONS, LIMITS
from ioc.catalog.rule_conditions import KINDS as CONDITION_KINDS
from ioc.catalog.toml_table import DefinitionFault, FaultList, TomlTable, closest
from ioc.messages import Message

TABLES = ("constant", "measure", "case_type", "kpi", "rule", "procedure")
CALENDAR = "calendar.toml"
"""Not a pack: days off and made-up working days (ioc/catalog/calendar.py)."""


@dataclass
class Entry:
    """One table of a pack, with the fields of overlays in it.

    `files` says which file each field is from. `sector` is the sector of the file that first defined the entry.
    """

    file: str
    sector: str
    data: dict[str, Any]
    files: dict[str, str] = field(default_factory=dict)

    def row(self, subject: str, faults: list[DefinitionFault]) -> TomlTable:
        return TomlTable(subject, self.data, self.files, self.file, faults)


@dataclass(frozen=True)
class Packs:
    """All entries, by kind (`sector` and TABLES) and id, in the order of the files."""

    entries: Mapping[str, dict[str, Entry]]


def read_packs(province: str, overlay: Path | None, faults: list[DefinitionFault]) -> Packs:
    """Return the entries of all layers, each over the one before.

    The layers are the package's packs, its packs for this province (`provinces/CODE/*.toml`) and the province's own
    files (`overlay/*.toml`), in the order of their names. An entry with a known id replaces the fields it names; any
    other is added. Files that cannot be read become faults.
    """
    entries: dict[str, dict[str, Entry]] = {kind: {} for kind in ("sector", *TABLES)}
    package = Path(str(files("ioc.catalog")))
    _lay(entries, [*sorted(package.glob("sectors/*.toml")), *sorted(package.glob("rules/*.toml"))], faults)
    _lay(entries, sorted(package.glob(f"provinces/{province}/*.toml")), faults)
    if overlay is not None and overlay.is_dir():
        _lay(entries, sorted(path for path in overlay.glob("*.toml") if path.name != CALENDAR), faults)
    return Packs(entries)


def _lay(entries: dict[str, dict[str, Entry]], paths: Iterable[Path], faults: list[DefinitionFault]) -> None:
    """Put one layer over the others; within a layer each id may appear once."""
    seen: dict[tuple[str, str], str] = {}
    for path in paths:
        pack = read_toml(path, faults)
        for name in pack.keys() - {"sector", *TABLES}:
            hint = closest(name, ("sector", *TABLES))
            faults.append(DefinitionFault(str(path), "", name, Message("pack_no_table", given=name, nearest=hint)))
        sector = pack.get("sector")
        sector_id = sector.get("id", "") if isinstance(sector, dict) else ""
        tables: list[tuple[str, Any]] = [("sector", sector)] if sector is not None else []
        for kind in TABLES:
            given = pack.get(kind, [])
            if not isinstance(given, list):
                faults.append(DefinitionFault(str(path), "", kind, Message("two_brackets", kind=kind)))
                continue
            tables += [(kind, data) for data in given]
        for kind, data in tables:
            if not isinstance(data, dict) or not isinstance(data.get("id"), str) or not data["id"]:
                faults.append(DefinitionFault(str(path), "", f"{kind}.id", Message("id_missing", kind=kind)))
                continue
            key = (kind, data["id"])
            if key in seen and not (kind == "sector" and len(data) == 1):
                subject = subject_of(kind, data["id"])
                faults.append(DefinitionFault(str(path), subject, "id", Message("id_twice", seen=seen[key])))
                continue
            seen[key] = str(path)
            _put(entries[kind], data, str(path), sector_id)


def _put(entries: dict[str, Entry], data: dict[str, Any], file: str, sector: str) -> None:
    known = entries.get(data["id"])
    if known is None:
        entries[data["id"]] = Entry(file, sector, dict(data))
    else:
        lay(known, data, dict.fromkeys(data, file))


def lay(known: Entry, data: Mapping[str, Any], sources: Mapping[str, str]) -> None:
    """Replace fields of an entry; `sources` says which file each new one is from."""
    if any(name in data for name in EXPRESSIONS):
        # A KPI has one expression: the province's replaces the package's.
        known.data = {name: value for name, value in known.data.items() if name not in EXPRESSIONS}
    if any(name in data for name in CONDITION_KINDS) or (
        any(name in data for name in LIMITS) and any(name in known.data for name in CONDITION_KINDS)
    ):
        # A rule has one condition, too; limits alone replace single limits.
        known.data = {name: value for name, value in known.data.items() if name not in CONDITIONS}
    known.data |= data
    known.files |= sources


def read_toml(path: Path, faults: FaultList) -> dict[str, Any]:
    """Return the content of a file; empty, with a fault, when it cannot be read."""
    try:
        content: dict[str, Any] = pickle.loads(_parsed(path.read_text(encoding="utf-8-sig")))
        return content
    except tomllib.TOMLDecodeError as fault:
        faults.append(DefinitionFault(str(path), "", "", Message("file_not_toml", detail=str(fault))))
    except UnicodeDecodeError:
        faults.append(DefinitionFault(str(path), "", "", Message("file_not_utf8")))
    except OSError as fault:
        faults.append(DefinitionFault(str(path), "", "", Message("file_unreadable", reason=fault.strerror)))
    return {}


@lru_cache(maxsize=256)
def _parsed(text: str) -> bytes:
    """Return TOML as a pickle, which gives each caller a copy without parsing again. Raises TOMLDecodeError."""
    return pickle.dumps(tomllib.loads(text), pickle.HIGHEST_PROTOCOL)


def subject_of(kind: str, entry_id: str) -> str:
    """Return how faults name an entry."""
    return entry_id if kind == "kpi" else f"{kind} {entry_id}"
