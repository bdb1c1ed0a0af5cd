"""Small tables, rebuilt with each publication: definitions, alerts, incidents, sources, ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import orjson

from ioc.api.schemas.definitions import definition_shape
from ioc.catalog import Catalog
from ioc.catalog.units import former_unit_names
from ioc.catalog.units_of_measure import in_english
from ioc.model.kpi import KpiDefinition, MeasureAggregate
from ioc.model.ledger import LogView
from ioc.model.source import SourceState
from ioc.store.ledger import read_ledger
from ioc.store.times import naive

_FIRST_YEAR = 2020


def refresh_small(
    connection: duckdb.DuckDBPyConnection,
    raw: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    states: Sequence[SourceState],
    taken_at: datetime,
    zone_hours: int,
) -> None:
    """Rebuild the small tables.

    `raw` reads the raw snapshot directly; `connection` has it attached as `raw` beside `kept`.
    """
    _from_catalog(connection, catalog, taken_at)
    _from_sources(connection, raw, states, taken_at, zone_hours)
    shift = f"INTERVAL {zone_hours} HOUR"
    connection.execute(
        f"CREATE OR REPLACE TABLE kept.alerts AS SELECT alert, rule, unit, severity, onset_at + {shift} AS onset_at, "
        f"fired_at + {shift} AS fired_at, ended_at + {shift} AS ended_at, value_at_firing, "
        f"acknowledged_at + {shift} AS acknowledged_at, acknowledged_by FROM raw.alerts ORDER BY fired_at"
    )
    connection.execute(
        f"CREATE OR REPLACE TABLE kept.incidents AS SELECT id, title, severity, opened_at + {shift} AS opened_at, "
        f"opened_by, assignee, closed_at + {shift} AS closed_at, closing_reason, alerts FROM raw.incidents "
        "ORDER BY opened_at"
    )


def _from_catalog(connection: duckdb.DuckDBPyConnection, catalog: Catalog, taken_at: datetime) -> None:
    units = catalog.vocabulary.units
    _fill(
        connection,
        "units",
        "code VARCHAR, name VARCHAR, short_name VARCHAR, kind VARCHAR, level VARCHAR, parent VARCHAR, valid_from DATE, "
        "valid_to DATE, latitude DOUBLE, longitude DOUBLE",
        (
            (
                *(u.code, u.name, u.short_name, u.kind, u.level.value, u.parent or None),
                *(u.valid_from, u.valid_to, u.latitude, u.longitude),
            )
            for u in units.values()
        ),
    )
    _fill(
        connection,
        "former_units",
        "code VARCHAR, name VARCHAR, now VARCHAR[]",
        ([code, former_unit_names().get(code), list(now)] for code, now in catalog.vocabulary.former_units.items()),
    )
    _fill(
        connection,
        "kpis",
        "id VARCHAR, family VARCHAR, sector VARCHAR, sector_name VARCHAR, name VARCHAR, name_en VARCHAR, "
        'unit_of_measure VARCHAR, unit_name VARCHAR, "window" VARCHAR, direction VARCHAR, target DOUBLE, '
        "definition VARCHAR, basis VARCHAR, version VARCHAR",
        (_kpi(kpi, catalog, taken_at) for kpi in catalog.kpis.values()),
    )
    of_measure = {
        kpi.expression.measure: kpi.sector
        for kpi in catalog.kpis.values()
        if isinstance(kpi.expression, MeasureAggregate)
    }
    _fill(
        connection,
        "measures",
        "id VARCHAR, name VARCHAR, name_en VARCHAR, sector VARCHAR, unit_of_measure VARCHAR, kind VARCHAR",
        (
            [m.id, m.name.get("vi"), m.name.get("en"), of_measure.get(m.id), m.unit_of_measure, m.kind.value]
            for m in catalog.vocabulary.measures.values()
        ),
    )
    calendar = catalog.decisions.calendar()
    days = (date(_FIRST_YEAR, 1, 1) + timedelta(days=n) for n in range((taken_at.year + 2 - _FIRST_YEAR) * 365))
    marks = {**calendar.off, **calendar.worked}
    _fill(
        connection,
        "calendar",
        "day DATE, working BOOLEAN, name VARCHAR",
        ([day, calendar.is_working(day), marks[day].name.get("vi") if day in marks else None] for day in days),
    )


def _kpi(kpi: KpiDefinition, catalog: Catalog, taken_at: datetime) -> list[Any]:
    target = kpi.target_of(taken_at.year)
    bound = None if target is None else target.at_least if target.at_least is not None else target.at_most
    direction = None if target is None else "at_least" if target.at_least is not None else "at_most"
    sector = catalog.sectors.get(kpi.sector)
    definition = orjson.dumps(definition_shape(kpi)["expression"]).decode()
    return [
        kpi.id,
        kpi.family or kpi.id,
        kpi.sector,
        sector.name.get("vi") if sector else None,
        kpi.name.get("vi"),
        kpi.name.get("en"),
        kpi.unit_of_measure,
        in_english(kpi.unit_of_measure),
        kpi.window_text,
        direction,
        bound,
        definition,
        kpi.basis or None,
        kpi.version,
    ]


def _from_sources(
    connection: duckdb.DuckDBPyConnection,
    raw: duckdb.DuckDBPyConnection,
    states: Sequence[SourceState],
    taken_at: datetime,
    zone_hours: int,
) -> None:
    accounts = read_ledger(raw, LogView(taken_at), states).sources
    known = {state.source: state for state in states}

    def local(moment: datetime | None) -> datetime | None:
        return None if moment is None else naive(moment) + timedelta(hours=zone_hours)

    def row(name: str, last_input_at: datetime | None) -> list[Any]:
        state = known.get(name)
        if state is None:
            return [name, None, None, local(last_input_at)]
        return [name, state.kind, state.expected_every_s, local(state.last_success)]

    _fill(
        connection,
        "sources",
        "source VARCHAR, kind VARCHAR, expected_every_s DOUBLE, last_success_at TIMESTAMP",
        (row(account.source, account.last_input_at) for account in accounts),
    )
    _fill(
        connection,
        "ledger",
        "source VARCHAR, received BIGINT, applied BIGINT, duplicate BIGINT, rejected BIGINT, in_flight BIGINT, "
        "fenced BIGINT, replayed BIGINT, last_input_at TIMESTAMP",
        (
            (
                *(a.source, a.received, a.applied, a.duplicate, sum(a.rejected.values()), a.in_flight),
                *(a.fenced, a.replayed, local(a.last_input_at)),
            )
            for a in accounts
        ),
    )


def _fill(connection: duckdb.DuckDBPyConnection, name: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    connection.execute(f"CREATE OR REPLACE TABLE kept.{name} ({columns})")
    listed = [list(row) for row in rows]
    if listed:
        places = ", ".join(["?"] * len(listed[0]))
        several = ", ".join([f"({places})"] * len(listed))
        # One statement: row by row takes ten times as long.
        connection.execute(f"INSERT INTO kept.{name} VALUES {several}", [cell for row in listed for cell in row])
