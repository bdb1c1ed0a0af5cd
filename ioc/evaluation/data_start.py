"""Since when there is data behind a KPI: a period that began earlier is known only in part."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb

from ioc.catalog import Catalog
from ioc.evaluation.affected_periods import kpi_inputs
from ioc.model.kpi import KpiDefinition
from ioc.store.times import aware

_FIRST_TIME = {
    "measure": "SELECT min(day) FROM day_panes JOIN measure_codes ON code = measure WHERE id = ?",
    "case_type": "SELECT min(updated_at) FROM case_changes WHERE case_type = ?",
}


def first_day_of_data(
    cursor: duckdb.DuckDBPyConnection, catalog: Catalog, definition: KpiDefinition, zone: ZoneInfo
) -> date | None:
    """Return the first local day by which all inputs of a KPI had data; None while one has none."""
    latest: date | None = None
    for key in dict.fromkeys(input_of.key for input_of in kpi_inputs(definition, catalog)):
        kind, name = key
        [(found,)] = cursor.execute(_FIRST_TIME[kind], [name]).fetchall()
        if found is None:
            return None
        day = (
            aware(found).astimezone(zone).date()
            if isinstance(found, datetime)
            else date(1970, 1, 1) + timedelta(days=found)
        )
        latest = day if latest is None else max(latest, day)
    return latest
