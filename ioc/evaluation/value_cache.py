"""Keep the published values on disk: after a start they are shown at once, until they are computed again."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ioc.atomic_file import atomic_file
from ioc.catalog import Catalog
from ioc.clock import from_ms, to_ms
from ioc.evaluation.evaluation_plan import EvaluationPlan
from ioc.evaluation.freshness import LIVE, STALE, Column
from ioc.evaluation.published_values import PublishedKpi
from ioc.evaluation.value_recorder import Written
from ioc.model.kpi import KpiDefinition

LOG = logging.getLogger(__name__)
_OF_KPIS = ("kpis", "versions", "windows", "written", "sizes")
_COLUMNS = ("value", "samples", "as_of", "state")


def keep_values(
    path: Path, published: Mapping[str, PublishedKpi], written: Mapping[str, Written], at: datetime
) -> None:
    """Write each KPI with its own window, and whether `written` has its values unchanged.

    `at` is the earliest moment of any value. It is written wholly or not at all; a full disk only means that the next
    start shows nothing at first.
    """
    entries = list(published.values())
    if not entries:
        return
    kept: dict[str, Any] = {
        "at": np.array(to_ms(at)),
        "kpis": np.array([entry.definition.id for entry in entries]),
        "versions": np.array([entry.definition.version for entry in entries]),
        "written": np.array([_is_written(entry, written) for entry in entries]),
        "windows": np.array([[to_ms(moment) for moment in entry.window] for entry in entries]),
        "sizes": np.array([len(entry.units) for entry in entries]),
        "units": np.array([unit for entry in entries for unit in entry.units]),
        "reported": np.concatenate([_reported(entry) for entry in entries]),
    }
    kept |= {name: np.concatenate([getattr(entry.column, name) for entry in entries]) for name in _COLUMNS}
    try:
        with atomic_file(path) as file:
            np.savez(file, **kept)
    except OSError as fault:
        LOG.warning("the values were not kept in %s: %s", path, fault)


def read_kept(
    path: Path,
    catalog: Catalog,
    plan: EvaluationPlan,
    zone: ZoneInfo,
    now: datetime,
    restated: Mapping[str, Mapping[str, datetime]],
) -> tuple[dict[str, PublishedKpi], dict[str, Written]]:
    """Return the kept values, and those that were written to the history.

    Each has its window and time of then, and is no fresher than it is now. KPIs with another definition since are left
    out, and all values when a day of the zone began since, or the clock was set back.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            at = from_ms(int(kept["at"]))
            if at > now or at.astimezone(zone).date() != now.astimezone(zone).date():
                return {}, {}
            found = {name: kept[name] for name in (*_OF_KPIS, "units", "reported", *_COLUMNS)}
    except FileNotFoundError:
        return {}, {}
    except Exception as fault:  # noqa: BLE001  whatever a damaged file contains: the values are computed again
        LOG.warning("%s is not readable (%r); values come as they are computed", path, fault)
        return {}, {}
    ends = np.cumsum(found["sizes"])
    published, written = dict[str, PublishedKpi](), dict[str, Written]()
    of_kpis = (found[name].tolist() for name in _OF_KPIS)
    for kpi_id, version, (opened, closed), is_written, size, end in zip(*of_kpis, ends.tolist(), strict=True):
        start = end - size
        definition = catalog.kpis.get(kpi_id)
        if definition is None or definition.version != version:
            continue
        units = tuple(plan.units[position] for position in plan.positions[definition.per].tolist())
        if units != tuple(found["units"][start:end].tolist()):
            continue
        column = Column(*(found[name][start:end] for name in _COLUMNS))
        if is_written:
            written[definition.id] = definition.version, column
        year = at.astimezone(zone).year
        published[definition.id] = PublishedKpi(
            definition,
            units,
            _judged(definition, column, now),
            (from_ms(opened), from_ms(closed)),
            definition.target_of(year),
            restated.get(definition.id, {}),
            found["reported"][start:end],
        )
    return published, written


def _reported(entry: PublishedKpi) -> NDArray[np.bool_]:
    return np.ones(len(entry.units), np.bool_) if entry.reported is None else entry.reported


def _is_written(entry: PublishedKpi, written: Mapping[str, Written]) -> bool:
    version, column = written.get(entry.definition.id, ("", None))
    return version == entry.definition.version and column is entry.column


def _judged(definition: KpiDefinition, column: Column, now: datetime) -> Column:
    if definition.fresh_within is None or definition.window.closed:
        return column
    limit = to_ms(now) - definition.fresh_within // timedelta(milliseconds=1)
    state = column.state.copy()
    state[(state == LIVE) & (column.as_of < limit)] = STALE
    return Column(column.value, column.samples, column.as_of, state)
