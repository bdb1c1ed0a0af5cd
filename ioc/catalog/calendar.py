"""Read the working calendar: the package's calendar.toml, the province's over it, and the law for all other years.

A year under [[year]] has exactly the days off that the files give. For every other year the package `holidays`
computes them from the Labour Code (1994, 2012, 2019) and the decisions that it knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ioc.catalog.packs import CALENDAR, read_toml
from ioc.catalog.toml_table import DefinitionFault, TomlTable, closest
from ioc.messages import Message
from ioc.model.calendar import Calendar, Mark, YearState

FIRST, LAST = date(2000, 1, 1), date(2049, 12, 31)
_TABLES = ("year", "day_off", "working_day")
_SATURDAY = 5


@dataclass(frozen=True)
class Decisions:
    """The content of the files: years with their state, days off, and weekend days that are worked."""

    years: Mapping[int, YearState] = field(default_factory=dict)
    off: Mapping[date, Mark] = field(default_factory=dict)
    worked: Mapping[date, Mark] = field(default_factory=dict)

    def calendar(self) -> Calendar:
        """Return the calendar with all years. The first call takes half a second, since it loads `holidays`."""
        off, worked = _by_law(frozenset(range(FIRST.year, LAST.year + 1)) - set(self.years))
        # A file takes precedence over the law.
        off = {day: mark for day, mark in off.items() if day not in self.worked} | dict(self.off)
        worked = {day: mark for day, mark in worked.items() if day not in self.off} | dict(self.worked)
        worked = {day: mark for day, mark in worked.items() if day.weekday() >= _SATURDAY}
        return Calendar(FIRST, LAST, off, worked, self.years)


def read_decisions(overlay: Path | None, faults: list[DefinitionFault]) -> Decisions:
    """Read the package's calendar.toml, then the province's, which takes precedence for a day that both name."""
    paths = [Path(str(files("ioc.catalog").joinpath(CALENDAR)))]
    if overlay is not None and (overlay / CALENDAR).exists():
        paths.append(overlay / CALENDAR)
    years: dict[int, YearState] = {}
    off: dict[date, Mark] = {}
    worked: dict[date, Mark] = {}
    for path in paths:
        found = _read_file(path, faults)
        years |= found.years
        off = {day: mark for day, mark in off.items() if day not in found.worked} | dict(found.off)
        worked = {day: mark for day, mark in worked.items() if day not in found.off} | dict(found.worked)
    return Decisions(years, off, worked)


def _read_file(path: Path, faults: list[DefinitionFault]) -> Decisions:
    content, known = read_toml(path, faults), ", ".join(f"[[{name}]]" for name in _TABLES)
    faults.extend(
        DefinitionFault(
            str(path), "", name, Message("calendar_no_table", name=name, nearest=closest(name, _TABLES), known=known)
        )
        for name in content.keys() - set(_TABLES)
    )
    years: dict[int, YearState] = {}
    for row in _rows(content, "year", path, faults):
        state = row.choice("state", [state.value for state in YearState if state is not YearState.COMPUTED])
        year = row.whole("year", FIRST.year, FIRST.year, LAST.year)
        if not row.has("year"):
            row.fault("year", Message("calendar_year_missing"))
        if year in years:
            row.fault("year", Message("year_twice", year=year))
        row.text("note", "")
        row.finish()
        if state and row.sound:
            years[year] = YearState(state)
    off: dict[date, Mark] = {}
    worked: dict[date, Mark] = {}
    for kind, days in (("day_off", off), ("working_day", worked)):
        for row in _rows(content, kind, path, faults):
            found = _read_day(row)
            if found is None:
                continue
            day, mark = found
            if day in off or day in worked:
                row.fault("day", Message("day_twice", day=day))
            days[day] = mark
    return Decisions(years, off, worked)


def _read_day(row: TomlTable) -> tuple[date, Mark] | None:
    # TOML's own dates are accepted as well as texts.
    value = row.data.get("day")
    if isinstance(value, date) and type(value) is date:
        row.data = {**row.data, "day": value.isoformat()}
    text = row.text("day")
    mark = Mark(row.names("name"), row.text("basis"), not row.flag("uncertain"))
    row.finish()
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        row.fault("day", Message("calendar_not_a_day", given=text))
        return None
    if day is not None and not FIRST <= day <= LAST:
        row.fault("day", Message("day_outside_calendar", day=day, first=FIRST, last=LAST))
        return None
    return None if day is None else (day, mark)


def _rows(content: Mapping[str, Any], kind: str, path: Path, faults: list[DefinitionFault]) -> list[TomlTable]:
    given = content.get(kind, [])
    if not isinstance(given, list) or not all(isinstance(data, dict) for data in given):
        faults.append(DefinitionFault(str(path), "", kind, Message("two_brackets", kind=kind)))
        return []
    return [TomlTable(_subject(kind, data), data, {}, str(path), faults) for data in given]


def _subject(kind: str, data: Mapping[str, Any]) -> str:
    return f"{kind} {data.get('year' if kind == 'year' else 'day', '')}".strip()


@cache
def _by_law(years: frozenset[int]) -> tuple[dict[date, Mark], dict[date, Mark]]:
    from holidays.countries.vietnam import Vietnam  # slow to load, and only the store needs it

    basis = "Bộ luật Lao động; tính bởi gói `holidays`"
    country: Any = Vietnam  # has no types
    english, vietnamese = (country(years=sorted(years), language=code) for code in ("en_US", "vi"))
    off = {
        day: Mark({"vi": name, "en": english[day]}, basis, certain=False)
        for day, name in vietnamese.items()
        if day.year in years
    }
    name = {"vi": "Làm bù", "en": "Made up for a day off"}
    worked = {day: Mark(name, basis, certain=False) for day in english.weekend_workdays if day.year in years}
    return off, worked
