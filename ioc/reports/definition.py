"""A report as its file defines it: blocks in order, each a table, a chart or a text."""

from dataclasses import dataclass, field
from datetime import time, timedelta

from ioc.reports.periods import PeriodLength

Text = dict[str, str]
"""Texts by language: `vi` and `en`."""
SHOWS = (
    "value",
    "before",
    "change",
    "change_rate",
    "last_year",
    "change_last_year",
    "target",
    "met",
    "rank",
    "samples",
)


@dataclass(frozen=True, slots=True)
class SendingSchedule:
    """When and where a report is sent: `after` the period's end at time of day `at`, once its figures are published.

    `channels` are ids of var/channels.toml.
    """

    after: timedelta
    at: time = time(7, 0)
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownKpi:
    """A KPI with what is shown of it; `best` says which end ranks first: high or low."""

    kpi: str
    show: tuple[str, ...]
    best: str = "high"
    name: Text = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnitTable:
    """One row per unit; `rows` are levels (province, communes, departments)."""

    id: str
    title: Text
    rows: tuple[str, ...]
    columns: tuple[ShownKpi, ...]
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class KpiTable:
    """One row per KPI, of one unit.

    `by_change`: the largest changes against the period before come first, `limit` of them; 0 means all.
    """

    id: str
    title: Text
    unit: str
    kpis: tuple[ShownKpi, ...]
    show: tuple[str, ...]
    by_change: bool = False
    limit: int = 0
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A row of a matrix; `strong` rows are sums of those above or below."""

    name: Text
    kpis: tuple[str, ...]
    most: float | None = None
    strong: bool = False


@dataclass(frozen=True, slots=True)
class MatrixTable:
    """Named rows and columns with a KPI in each cell, of one unit; `most` is the maximum of a row."""

    id: str
    title: Text
    unit: str
    columns: tuple[Text, ...]
    rows: tuple[MatrixRow, ...]
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertTable:
    """A table of alerts.

    `of`: audit (figures of ISA-18.2 and EEMUA 191), top (most frequent), standing (not ended at the period's end),
    longest. `limit` rows; `operators` are on duty at a time.
    """

    id: str
    title: Text
    of: str
    limit: int = 10
    operators: int = 1
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart.

    `line`: a KPI of a unit over the last `count` periods, with its target; `bars`: its units of a level, the
    `count` worst first.
    """

    id: str
    title: Text
    kind: str
    kpi: str
    unit: str
    rows: str
    count: int
    best: str = "high"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text with values: `{kpi:ID}`, `{kpi:ID|change}` …, `{period}` (ioc/reports/text_placeholders.py)."""

    id: str
    title: Text
    text: Text


Block = UnitTable | KpiTable | MatrixTable | AlertTable | Chart | Paragraph
TABLES = (UnitTable, KpiTable, MatrixTable, AlertTable)


@dataclass(frozen=True, slots=True)
class Report:
    """A report's definition.

    `one_page`: its PDF is one A4 sheet. `version` is a short hash of everything that determines its content.
    """

    id: str
    title: Text
    length: PeriodLength
    blocks: tuple[Block, ...]
    basis: str
    version: str
    schedule: SendingSchedule | None = None
    one_page: bool = False
    notes: tuple[Text, ...] = ()
    file: str = ""
