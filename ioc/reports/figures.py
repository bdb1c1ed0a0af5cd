"""Figures of periods: published values of closed periods, otherwise values of the history.

Used in two passes: `FigureRequests` collects what a report needs, `read_figures` reads it all at once, and `Figures`
answers.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

import duckdb

from ioc.catalog.catalog import Catalog
from ioc.evaluation.freshness import STATES
from ioc.evaluation.history import moment_columns
from ioc.evaluation.pane_reader import PaneReader
from ioc.model.kpi import Freshness
from ioc.reports.kpi_periods import is_of_days, published_as
from ioc.reports.periods import Span, days_of
from ioc.store.times import aware, naive


class Origin(StrEnum):
    """Where a figure comes from.

    `published`: the recorded value of a closed period; `reckoned`: the definition's value at the period's end, as
    in the API's history; `days`: the sum of the days' values.
    """

    PUBLISHED = "published"
    RECKONED = "reckoned"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class Figure:
    """A KPI's value for a unit and period.

    `value` is None without enough data; `state` then is insufficient or no_data. `lacking`: for a sum of days, the
    days without a value. `known_since` is the time of publication.
    """

    value: float | None
    samples: int
    state: Freshness
    origin: Origin
    version: str
    lacking: int = 0
    known_since: datetime | None = None


class Source(Protocol):
    """Gives figures."""

    def of(self, kpi: str, unit: str, span: Span) -> Figure: ...


Moment = tuple[str, datetime]
"""A KPI and the end of a period (or day)."""
_NOTHING = Figure(None, 0, Freshness.NO_DATA, Origin.RECKONED, "")


class FigureRequests:
    """Collects the figures that are requested; answers that there is no data."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.units: dict[Moment, dict[str, None]] = defaultdict(dict)

    def of(self, kpi: str, unit: str, span: Span) -> Figure:
        for end in _ends(self._catalog, kpi, span):
            self.units[kpi, end][unit] = None
        return _NOTHING


@dataclass(frozen=True)
class Figures:
    """The figures read, by KPI, unit and end."""

    catalog: Catalog
    read: Mapping[tuple[str, str, datetime], Figure]

    def of(self, kpi: str, unit: str, span: Span) -> Figure:
        """Return a figure.

        Raises KeyError for one that was not collected before.
        """
        parts = [self.read[kpi, unit, end] for end in _ends(self.catalog, kpi, span)]
        if not is_of_days(self.catalog.kpis[kpi], span):
            return parts[0]
        lacking = sum(part.value is None for part in parts)
        samples = sum(part.samples for part in parts)
        if lacking:
            state = Freshness.INSUFFICIENT if lacking < len(parts) else Freshness.NO_DATA
            return replace(parts[0], value=None, samples=samples, state=state, origin=Origin.DAYS, lacking=lacking)
        total = sum(part.value for part in parts if part.value is not None)
        known = [part.known_since for part in parts if part.known_since is not None]
        latest = max(known) if len(known) == len(parts) else None
        return replace(parts[0], value=total, samples=samples, origin=Origin.DAYS, known_since=latest)


def read_figures(
    cursor: duckdb.DuckDBPyConnection, reader: PaneReader, catalog: Catalog, wanted: FigureRequests, zone: ZoneInfo
) -> Figures:
    """Read each KPI and end: published values, otherwise values of the history."""
    read: dict[tuple[str, str, datetime], Figure] = {}
    published = _published(cursor, catalog, wanted.units, zone)
    missing: dict[datetime, dict[str, list[str]]] = defaultdict(dict)
    for (kpi, end), units in wanted.units.items():
        for unit in units:
            figure = published.get((kpi, unit, end))
            if figure is not None:
                read[kpi, unit, end] = figure
            else:
                missing[end].setdefault(kpi, []).append(unit)
    for end, of in missing.items():
        for kpi, unit, figure in _reckoned(reader, catalog, of, end, zone):
            read[kpi, unit, end] = figure
    return Figures(catalog, read)


def _ends(catalog: Catalog, kpi: str, span: Span) -> list[datetime]:
    if is_of_days(catalog.kpis[kpi], span):
        return [end for _, end in days_of(span)]
    return [span.end]


def _published(
    cursor: duckdb.DuckDBPyConnection, catalog: Catalog, wanted: Iterable[Moment], zone: ZoneInfo
) -> dict[tuple[str, str, datetime], Figure]:
    periods = {moment: published_as(catalog.kpis[moment[0]], moment[1], zone) for moment in wanted}
    keys = {(kpi, kind.value, naive(of[1])): end for (kpi, end), of in periods.items() if of for kind in (of[0],)}
    if not keys:
        return {}
    listed = ", ".join(f"'{kpi}'" for kpi in sorted({kpi for kpi, _, _ in keys}))
    rows = cursor.execute(
        "SELECT kpi, period, period_from, unit, value, samples, definition_version, published_at "
        f"FROM published_periods WHERE kpi IN ({listed})"
    ).fetchall()
    found = {}
    for kpi, period, start, unit, value, samples, version, at in rows:
        end = keys.get((kpi, period, start))
        if end is None:
            continue
        # A restated value may have lost its data; the definition's own limit says why it is missing.
        state = Freshness.LIVE if value is not None else Freshness.INSUFFICIENT if samples else Freshness.NO_DATA
        known_since = aware(at)
        found[kpi, unit, end] = Figure(value, samples, state, Origin.PUBLISHED, version, known_since=known_since)
    return found


def _reckoned(
    reader: PaneReader, catalog: Catalog, wanted: Mapping[str, list[str]], end: datetime, zone: ZoneInfo
) -> Iterator[tuple[str, str, Figure]]:
    units = catalog.vocabulary.units
    asked: dict[str, list[str]] = {}
    for kpi, codes in wanted.items():
        definition = catalog.kpis[kpi]
        asked[kpi] = [code for code in units if code in codes and units[code].level in definition.per]
        for code in codes:
            if code not in asked[kpi]:
                yield kpi, code, Figure(None, 0, Freshness.NO_DATA, Origin.RECKONED, definition.version)
    for kpi, column in moment_columns(reader, catalog, asked, end, zone).items():
        version = catalog.kpis[kpi].version
        entries = zip(column.value.tolist(), column.samples.tolist(), column.state.tolist(), strict=True)
        for code, (value, samples, state) in zip(asked[kpi], entries, strict=True):
            known = value == value
            said = Freshness.LIVE if known else STATES[state]
            yield kpi, code, Figure(value if known else None, samples, said, Origin.RECKONED, version)
