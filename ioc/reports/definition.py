"""A report as its file defines it: blocks in the order in which they stand, each a table, a chart or a text."""

from dataclasses import dataclass, field
from datetime import time, timedelta

from ioc.reports.periods import Length

Text = dict[str, str]
"""`vi` and `en`."""
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
class Schedule:
    """Made and sent `after` the period's end at the time of day `at`, once its figures are published. `channels` are
    ids of var/channels.toml."""

    after: timedelta
    at: time = time(7, 0)
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A KPI with what is shown of it. `best` says which end of the ranks is the first: high or low."""

    kpi: str
    show: tuple[str, ...]
    best: str = "high"
    name: Text = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnitTable:
    """A row a unit. `rows` are levels (province, communes, departments)."""

    id: str
    title: Text
    rows: tuple[str, ...]
    columns: tuple[Shown, ...]
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class KpiTable:
    """A row a KPI, of one unit. `by_change`: those that changed most against the period before stand first, `limit` of
    them; 0 is all."""

    id: str
    title: Text
    unit: str
    kpis: tuple[Shown, ...]
    show: tuple[str, ...]
    by_change: bool = False
    limit: int = 0
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """`strong` rows are sums of those below or above them."""

    name: Text
    kpis: tuple[str, ...]
    most: float | None = None
    strong: bool = False


@dataclass(frozen=True, slots=True)
class MatrixTable:
    """Rows and columns by name, a KPI in each cell, of one unit; `most` is what a row could have reached."""

    id: str
    title: Text
    unit: str
    columns: tuple[Text, ...]
    rows: tuple[MatrixRow, ...]
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertTable:
    """`of`: audit (figures after ISA-18.2 and EEMUA 191), top (what fired most), standing (alerts not ended when the
    period was), longest (alerts of the period). `limit` rows; `operators` are on duty at a time."""

    id: str
    title: Text
    of: str
    limit: int = 10
    operators: int = 1
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """`line`: a KPI of a unit over the last `count` periods, with its target; `bars`: its units of a level, the `count`
    least good ones first."""

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
    """`one_page`: its PDF is one sheet of A4. `version` is a short hash of what changes what it says."""

    id: str
    title: Text
    length: Length
    blocks: tuple[Block, ...]
    basis: str
    version: str
    schedule: Schedule | None = None
    one_page: bool = False
    notes: tuple[Text, ...] = ()
    file: str = ""
