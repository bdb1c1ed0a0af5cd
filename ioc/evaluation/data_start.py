"""Since when there are data behind a KPI: a period that began earlier is known in part only."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb

from ioc.catalog import Catalog
from ioc.evaluation.affected_periods import leaves
from ioc.model.kpi import KpiDefinition
from ioc.store.times import aware

_FIRST_HEARD = {
    "measure": "SELECT min(day) FROM day_panes JOIN measure_codes ON code = measure WHERE id = ?",
    "case_type": "SELECT min(updated_at) FROM case_changes WHERE case_type = ?",
}


def first_day_of_data(
    cursor: duckdb.DuckDBPyConnection, catalog: Catalog, definition: KpiDefinition, zone: ZoneInfo
) -> date | None:
    """The first local day by which all measures and case types behind a KPI had data; None while one has none."""
    latest: date | None = None
    for word in dict.fromkeys(leaf.word for leaf in leaves(definition, catalog)):
        kind, name = word
        [(found,)] = cursor.execute(_FIRST_HEARD[kind], [name]).fetchall()
        if found is None:
            return None
        day = (
            aware(found).astimezone(zone).date()
            if isinstance(found, datetime)
            else date(1970, 1, 1) + timedelta(days=found)
        )
        latest = day if latest is None else max(latest, day)
    return latest
