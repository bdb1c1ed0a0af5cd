"""Read the rows of a dataset from the lab's published file, with hidden cells removed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from ioc.open_data.dataset_selection import Dataset, OpenKpi
from ioc.open_data.disclosure import hidden

COLUMNS = (
    "unit",
    "unit_name",
    "kpi",
    "kpi_name",
    "period",
    "first_day",
    "last_day",
    "value",
    "unit_of_measure",
    "samples",
    "suppressed",
    "definition_version",
    "published_at",
)
_QUERY = """
SELECT p.unit, u.name, coalesce(u.parent, ''), p.period_from, p.period_to, p.value, p.samples, p.definition_version,
    p.published_at
FROM kpi_periods p JOIN units u ON u.code = p.unit
WHERE p.kpi = ? AND p.period = ?
ORDER BY p.period_from, p.unit
"""


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """A row.

    `value` and `samples` are None when `suppressed`, `value` alone when there are too few samples; `published_at`
    is local time of the province.
    """

    unit: str
    unit_name: str
    kpi: str
    kpi_name: str
    period: str
    first_day: str
    last_day: str
    value: float | None
    unit_of_measure: str
    samples: int | None
    suppressed: bool
    definition_version: str
    published_at: datetime


def figures(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> list[DatasetRow]:
    """Return the rows by KPI in the dataset's order, period, unit.

    Raises duckdb.Error.
    """
    return [figure for kpi in dataset.kpis for figure in _of_kpi(connection, kpi, dataset.period)]


def _of_kpi(connection: duckdb.DuckDBPyConnection, kpi: OpenKpi, period: str) -> list[DatasetRow]:
    rows = connection.execute(_QUERY, [kpi.definition.id, period]).fetchall()
    parents = {row[0]: row[2] for row in rows}
    concealed: dict[datetime, frozenset[str]] = {}
    if kpi.case_types:
        cases: dict[datetime, dict[str, int]] = {}
        for unit, _, _, start, _, _, samples, _, _ in rows:
            cases.setdefault(start, {})[unit] = samples
        concealed = {start: hidden(of_units, parents) for start, of_units in cases.items()}
    definition = kpi.definition
    found = []
    for unit, name, _, start, end, value, samples, version, published_at in rows:
        is_hidden = unit in concealed.get(start, ())
        found.append(
            DatasetRow(
                unit,
                name,
                definition.id,
                definition.name["vi"],
                _label(period, start),
                start.date().isoformat(),
                (end - timedelta(days=1)).date().isoformat(),
                None if is_hidden or value is None else round(value, definition.digits),
                definition.unit_of_measure,
                None if is_hidden else samples,
                is_hidden,
                version,
                published_at,
            )
        )
    return found


def _label(period: str, start: datetime) -> str:
    match period:
        case "month":
            return f"{start:%Y-%m}"
        case "quarter":
            return f"{start.year}-Q{(start.month + 2) // 3}"
        case "year":
            return f"{start.year}"
        case _:
            return f"{start:%Y-%m-%d}"
