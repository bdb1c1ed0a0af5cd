"""The content of an issue: tables, charts and texts with their figures.

Its JSON is stored, compared and displayed; XLSX, PDF and page are made from it alone.
"""

from dataclasses import dataclass, field
from typing import Any

from ioc.reports.definition import Text


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell.

    `value` is a number, a text in both languages, or None with the reason in `why`. `key` identifies a figure (KPI,
    unit, period). `digits` is the number of decimals. `enough` is (samples, required samples) where there were too
    few.
    """

    value: float | Text | None
    digits: int = 0
    why: Text = field(default_factory=dict)
    key: tuple[str, str, str] | None = None
    samples: int | None = None
    origin: str = ""
    short: str = ""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column; `group` is the heading above the columns of one KPI, empty where there is none."""

    name: Text
    unit_of_measure: Text
    group: Text = field(default_factory=dict)
    numeric: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """A row; `strong` rows stand out: the province, sums."""

    name: Text
    cells: tuple[Cell, ...]
    strong: bool = False
    section: Text = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of cells."""

    id: str
    title: Text
    first: Text
    columns: tuple[TableColumn, ...]
    rows: tuple[Row, ...]
    notes: tuple[Text, ...] = ()
    left_out: int = 0
    kind: str = "table"


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart: `line` points in order of time, `bars` in drawing order."""

    id: str
    title: Text
    shape: str
    unit_of_measure: Text
    digits: int
    names: tuple[Text, ...]
    cells: tuple[Cell, ...]
    target: float | None
    kind: str = "chart"


@dataclass(frozen=True, slots=True)
class Prose:
    """A text block."""

    id: str
    title: Text
    text: Text
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class FigureSource:
    """A source behind the figures, with its last batch in the snapshot (RFC 3339)."""

    source: str
    last_at: str


@dataclass(frozen=True, slots=True)
class Correction:
    """A published figure restated since the previous issue.

    `cause` is data, definition, published (there was no published value before) or computed. Times are RFC 3339,
    `at` empty when none is recorded.
    """

    kpi: str
    kpi_name: Text
    unit: str
    unit_name: str
    period: str
    period_name: Text
    before: float | None
    after: float | None
    digits: int
    cause: str
    late_samples: int
    at: str


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue.

    `number` counts the issues of one report and period from 1; times are RFC 3339. `send_to` are the channels to
    send it by.
    """

    report: str
    title: Text
    period: str
    period_name: Text
    period_from: str
    period_to: str
    number: int
    made_at: str
    made_by: str
    taken_at: str
    province: str
    demonstration: bool
    version: str
    basis: str
    one_page: bool
    notes: tuple[Text, ...]
    blocks: tuple[Table | Drawing | Prose, ...]
    sources: tuple[FigureSource, ...]
    replaces: int | None = None
    changes: tuple[Correction, ...] = ()
    restated: tuple[Correction, ...] = ()
    send_to: tuple[str, ...] = ()


def figures_of(issue: dict[str, Any]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return the cells of an issue's JSON that are figures, by KPI, unit and period."""
    found = {}
    for block in issue["blocks"]:
        rows = [cell for row in block.get("rows", ()) for cell in row["cells"]]
        for cell in (*rows, *block.get("cells", ())):
            if cell["key"] is not None:
                found[tuple(cell["key"])] = cell
    return found
