"""Unfold KPIs with several windows: `window = ["month", "year"]` makes the KPIs `<id>.month` and `<id>.year`."""

from collections.abc import Mapping
from dataclasses import replace

from ioc.catalog.formulas import FormulaInvalid, parse_formula, parts_of, renamed
from ioc.catalog.packs import Entry, lay
from ioc.catalog.toml_table import LANGUAGES, DefinitionFault

_WINDOW_WORDS = {
    "now": (" hiện nay", " now"),
    "today": (" hôm nay", " today"),
    "month": (" trong tháng", " this month"),
    "quarter": (" trong quý", " this quarter"),
    "year": (" trong năm", " this year"),
    "yesterday": (" hôm qua", " yesterday"),
    "last_month": (" tháng trước", " last month"),
    "last_quarter": (" quý trước", " last quarter"),
    "last_year": (" năm trước", " last year"),
    "always": (" từ trước đến nay", " of all time"),
}
_STEPS = {"m": ("phút", "min"), "h": ("giờ", "h"), "d": ("ngày", "d")}

Families = Mapping[str, tuple[str, ...]]


def unfold(entries: Mapping[str, Entry], faults: list[DefinitionFault]) -> tuple[dict[str, Entry], Families]:
    """Return the entries with one window each, and the windows of each family by its id.

    An entry with the id of a member (`dossier.received.year`) changes that member.
    """
    families = {
        kpi_id: _windows(entry, kpi_id, faults)
        for kpi_id, entry in entries.items()
        if isinstance(entry.data.get("window"), list)
    }
    members = {f"{family}.{window}" for family, windows in families.items() for window in windows}
    single: dict[str, Entry] = {}
    for kpi_id, entry in entries.items():
        if kpi_id not in families:
            if kpi_id not in members:
                single[kpi_id] = entry
            continue
        for window in families[kpi_id]:
            member_id = f"{kpi_id}.{window}"
            single[member_id] = _member(entry, member_id, window)
            if (more := entries.get(member_id)) is not None:
                lay(single[member_id], more.data, dict.fromkeys(more.data, more.file) | more.files)
    for entry in single.values():
        _name_parts(entry, families)
    return single, families


def _windows(entry: Entry, kpi_id: str, faults: list[DefinitionFault]) -> tuple[str, ...]:
    row = entry.row(kpi_id, faults)
    return row.texts("window", required=True)


def _member(entry: Entry, member_id: str, window: str) -> Entry:
    data = {**entry.data, "id": member_id, "window": window}
    name, words = data.get("name"), _words_for(window)
    if isinstance(name, dict):
        data["name"] = {
            language: f"{text}{words[LANGUAGES.index(language)]}" if language in LANGUAGES and text else text
            for language, text in name.items()
        }
    return replace(entry, data=data, files=dict(entry.files))


def window_endings() -> tuple[str, ...]:
    """Return the endings of Vietnamese KPI names for windows, the longest first: " trong tháng", " hôm nay"."""
    return tuple(sorted((vi for vi, _ in _WINDOW_WORDS.values()), key=len, reverse=True))


def _words_for(window: str) -> tuple[str, str]:
    if window in _WINDOW_WORDS:
        return _WINDOW_WORDS[window]
    number, (vi, en) = window[:-1], _STEPS.get(window[-1:], ("", ""))
    return f" trong {number} {vi}", f" in {number} {en}"


def _name_parts(entry: Entry, families: Families) -> None:
    """Replace each family in the formula of an entry by its member with the entry's window, if it has one."""
    formula = entry.data.get("formula")
    if not isinstance(formula, dict) or not isinstance(formula.get("text"), str):
        return
    try:
        parts = parts_of(parse_formula(formula["text"]))
    except FormulaInvalid:
        return  # noted where the expression is read
    window = entry.data.get("window")
    names = {part: f"{part}.{window}" for part in parts if window in families.get(part, ())}
    if names:
        entry.data = entry.data | {"formula": formula | {"text": renamed(formula["text"], names)}}
