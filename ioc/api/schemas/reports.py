"""Reports and their issues as JSON."""

from typing import Any, Literal

from typing_extensions import TypedDict

from ioc.api.schemas.problems import ErrorShape

Words = dict[str, str]
"""A text by language, `vi` and `en`; empty where there is none."""


class ReportScheduleShape(TypedDict):
    """When the next issue is made, for which period, and through which channels it is sent."""

    next: str
    next_period: str
    channels: list[str]


class ReportPeriodShape(TypedDict):
    """A period and its name by language."""

    period: str
    name: Words


class ReportJobShape(TypedDict):
    """An issue that is being made, or was. `progress` is 0 to 1; `detail` and `errors` say why it failed."""

    period: str
    by: str
    begun_at: str
    state: Literal["making", "done", "failed"]
    progress: float
    issue: str | None
    ended_at: str | None
    detail: str
    errors: list[ErrorShape]


class ReportFilesShape(TypedDict):
    """Paths of the files of an issue."""

    xlsx: str
    pdf: str
    json: str


class IssueSummaryShape(TypedDict):
    """An issue without its content. `replaces` is the number of the issue before it; `changes` counts corrections."""

    id: str
    report: str
    period: str
    period_name: Words
    period_from: str
    period_to: str
    number: int
    made_at: str
    made_by: str
    taken_at: str
    replaces: int | None
    changes: int
    files: ReportFilesShape


class ReportShape(TypedDict):
    """A report. `closed` is the last period that has ended; `issues` counts issues; `schedule` is null without one."""

    id: str
    title: Words
    period: Literal["week", "month", "quarter", "year"]
    basis: str
    version: str
    schedule: ReportScheduleShape | None
    closed: ReportPeriodShape
    making: list[ReportJobShape]
    last_made: ReportJobShape | None
    issues: int
    newest: IssueSummaryShape | None


class ReportListShape(TypedDict):
    """All reports."""

    reports: list[ReportShape]


class IssueListShape(TypedDict):
    """Issues of a report, the newest period first."""

    issues: list[IssueSummaryShape]


class ReportJobStartedShape(TypedDict):
    """The issue takes longer; the report shows its progress."""

    making: ReportJobShape


class ReportCellShape(TypedDict):
    """A figure or text of a table or chart.

    `value` is null without data, with the reason in `why`. `key` is [KPI, unit, period] of a figure.
    """

    value: float | Words | None
    digits: int
    why: Words
    key: list[str] | None
    samples: int | None
    origin: str
    short: str


class ReportColumnShape(TypedDict):
    """A column of a table; `group` is the heading above several columns."""

    name: Words
    unit_of_measure: Words
    group: Words
    numeric: bool


class ReportRowShape(TypedDict):
    """A row of a table; `strong` rows are emphasized."""

    name: Words
    cells: list[ReportCellShape]
    strong: bool
    section: Words


class ReportTableShape(TypedDict):
    """A table. `left_out` rows are not shown."""

    kind: Literal["table"]
    id: str
    title: Words
    first: Words
    columns: list[ReportColumnShape]
    rows: list[ReportRowShape]
    notes: list[Words]
    left_out: int


class ReportChartShape(TypedDict):
    """A chart; `names` and `cells` are its points."""

    kind: Literal["chart"]
    id: str
    title: Words
    shape: str
    unit_of_measure: Words
    digits: int
    names: list[Words]
    cells: list[ReportCellShape]
    target: float | None


class ReportTextShape(TypedDict):
    """A text."""

    kind: Literal["text"]
    id: str
    title: Words
    text: Words


class ReportSourceShape(TypedDict):
    """A source of the figures and its last batch in the snapshot."""

    source: str
    last_at: str


class CorrectionShape(TypedDict):
    """A figure that differs from the issue before, or was restated; `at` is empty where no time is on record."""

    kpi: str
    kpi_name: Words
    unit: str
    unit_name: str
    period: str
    period_name: Words
    before: float | None
    after: float | None
    digits: int
    cause: Literal["data", "definition", "published", "computed"]
    late_samples: int
    at: str


class SendingShape(TypedDict):
    """An attempt to send an issue through a channel."""

    channel: str
    attempt: int
    at: str
    outcome: Literal["sent", "failed", "dead"]
    reason: str
    next_at: str


class IssueContentShape(TypedDict):
    """Everything that an issue contains, as in its file `file.json`."""

    report: str
    title: Words
    period: str
    period_name: Words
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
    notes: list[Words]
    blocks: list[ReportTableShape | ReportChartShape | ReportTextShape]
    sources: list[ReportSourceShape]
    replaces: int | None
    changes: list[CorrectionShape]
    restated: list[CorrectionShape]
    send_to: list[str]


class IssueShape(IssueContentShape):
    """An issue with its id, and the attempts to send it."""

    id: str
    sendings: list[SendingShape]


FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {"schema": {"type": "string"}},
            "application/pdf": {"schema": {"type": "string"}},
        }
    }
}
"""Files of an issue beside its JSON, for OpenAPI."""
