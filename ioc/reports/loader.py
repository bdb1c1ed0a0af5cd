"""Load report definitions: the package's `definitions/*.toml`, overridden by the province's `reports/*.toml`.

One file is one report: `id`, `title`, `period` (a list makes one report per period, `<id>.month`, …), `[schedule]`, and
`[[block]]` tables in order. A province's file with the id of a packaged report replaces the fields that it names. A KPI
with several windows is named by its family and takes the window of the period.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from ioc.catalog.catalog import Catalog
from ioc.catalog.packs import Entry, read_toml
from ioc.catalog.rules import read_clock
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault, TomlTable
from ioc.messages import Message
from ioc.reports.blocks import BlockReader
from ioc.reports.definition import Report, SendingSchedule
from ioc.reports.periods import PeriodLength

FOLDER = "reports"
"""The folder of the province's definitions in its catalogue."""


def load_reports(catalog: Catalog, overlay: Path | None = None) -> Mapping[str, Report]:
    """Return the reports by id.

    Raises CatalogInvalid with every fault found.
    """
    faults: list[DefinitionFault] = []
    reports: dict[str, Report] = {}
    for entry in _entries(overlay, faults).values():
        row = entry.row(f"report {entry.data['id']}", faults)
        for report in _read(row, catalog, entry.file):
            if report.id in reports:
                row.fault("id", Message("report_twice", given=report.id))
            reports[report.id] = report
    if faults:
        raise CatalogInvalid(faults)
    return reports


def _entries(overlay: Path | None, faults: list[DefinitionFault]) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    package = Path(str(files("ioc.reports").joinpath("definitions")))
    _lay(entries, sorted(package.glob("*.toml")), faults)
    if overlay is not None and (overlay / FOLDER).is_dir():
        _lay(entries, sorted((overlay / FOLDER).glob("*.toml")), faults)
    return entries


def _lay(entries: dict[str, Entry], paths: Iterable[Path], faults: list[DefinitionFault]) -> None:
    seen: dict[str, str] = {}
    for path in paths:
        before = len(faults)
        data = read_toml(path, faults)
        if len(faults) > before:
            continue
        report_id = data.get("id")
        if not isinstance(report_id, str) or not report_id:
            faults.append(DefinitionFault(str(path), "", "id", Message("report_id_missing")))
            continue
        if report_id in seen:
            faults.append(
                DefinitionFault(
                    str(path), f"report {report_id}", "id", Message("report_id_twice", file=seen[report_id])
                )
            )
            continue
        seen[report_id] = str(path)
        known = entries.get(report_id)
        if known is None:
            entries[report_id] = Entry(str(path), "", dict(data))
        else:
            known.data |= data
            known.files |= dict.fromkeys(data, str(path))


def _read(row: TomlTable, catalog: Catalog, file: str) -> list[Report]:
    """Return one report per period; none when the file is faulty."""
    report_id = row.identifier()
    titles = row.names("title")
    basis, one_page = row.text("basis", ""), row.flag("one_page")
    words = row.texts("period", required=True) if isinstance(row.data.get("period"), list) else (row.text("period"),)
    lengths = [PeriodLength(word) for word in words if word in set(PeriodLength)]
    for word in words:
        if word and word not in set(PeriodLength):
            row.fault("period", Message("none_of", given=word, known=list(PeriodLength), nearest=""))
    schedule = _schedule(row.table("schedule")) if row.has("schedule") else None
    notes = _texts(row, "notes")
    found = []
    for length in lengths:
        # For several periods, each is read with the KPIs of its own windows.
        blocks = BlockReader(catalog, length).read(row)
        several = f".{length}" if len(words) > 1 else ""
        found.append(
            Report(
                id=report_id + several,
                title=titles,
                length=length,
                blocks=blocks,
                basis=basis,
                version="",
                schedule=schedule,
                one_page=one_page,
                notes=notes,
                file=file,
            )
        )
    row.finish(["block"])
    if not row.sound:
        return []
    return [replace(one, version=_version(one)) for one in found]


def _version(report: Report) -> str:
    """Return a hash of the content, by field names and values, so that renamed classes do not change it."""
    content = asdict(replace(report, schedule=None, file="", version=""))
    return sha256(orjson.dumps(content, default=str)).hexdigest()[:8]


def _schedule(row: TomlTable) -> SendingSchedule | None:
    after, at = row.duration("after", required=True), read_clock(row, "at") if row.has("at") else None
    channels = row.texts("channels", required=False)
    row.finish()
    if after is None:
        return None
    return SendingSchedule(after, channels=channels) if at is None else SendingSchedule(after, at, channels)


def _texts(row: TomlTable, field: str) -> tuple[dict[str, str], ...]:
    texts: list[dict[str, Any]] = []
    for inner in row.tables(field):
        texts.append({language: inner.text(language) for language in ("vi", "en")})
        inner.finish()
    return tuple(texts)
