"""Compose an issue of a report from a snapshot. Writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import orjson

from ioc.catalog.catalog import Catalog
from ioc.clock import rfc3339
from ioc.errors import IocError
from ioc.evaluation.affected_periods import kpi_inputs
from ioc.evaluation.data_start import first_day_of_data
from ioc.evaluation.pane_reader import PaneReader
from ioc.messages import Message
from ioc.model.window import WindowKind
from ioc.reports.alert_figures import AlertFigures
from ioc.reports.block_content import BlockBuilder, kpis_in
from ioc.reports.corrections import changes_of, read_restatements, restated_of
from ioc.reports.definition import AlertTable, Report, Text
from ioc.reports.figures import FigureRequests, read_figures
from ioc.reports.formatting import LANGUAGES, known_from
from ioc.reports.issue_content import Drawing, FigureSource, Issue, Prose, Table
from ioc.reports.kpi_periods import is_of_days, published_as
from ioc.reports.periods import PeriodUnfit, Span, just_before, name_of
from ioc.store.alerting import AlertStore
from ioc.store.times import naive


class NotPublished(IocError):
    """The figures of the period are not final yet; try again later."""


class NothingToReport(IocError):
    """The period has no data at all, so no issue is made."""


@dataclass(frozen=True)
class IssueContext:
    """What an issue is composed from: an open snapshot and the definitions in force.

    `rules` are names of alert rules by id.
    """

    cursor: duckdb.DuckDBPyConnection
    reader: PaneReader
    catalog: Catalog
    zone: ZoneInfo
    taken_at: datetime
    alerts: AlertStore
    rules: Mapping[str, Text]
    demonstration: bool


@dataclass(frozen=True, slots=True)
class IssueOrder:
    """An order for an issue: by whom, when, and earlier issues.

    `replaced` are the values of the last issue of the period, `latest` those of the report's issue made last.
    """

    by: str
    at: datetime
    replaced: Mapping[str, Any] | None = None
    latest: Mapping[str, Any] | None = None
    send_to: tuple[str, ...] = ()


def compose(ground: IssueContext, report: Report, span: Span, asked: IssueOrder) -> Issue:
    """Compose an issue.

    Raises PeriodUnfit for a period that is not over in the snapshot, NothingToReport for one without data.
    """
    if span.end > ground.taken_at:
        end = span.end.astimezone(ground.zone)
        at = f"{end:%d/%m/%Y %H:%M}"
        raise PeriodUnfit(Message("report_period_running", period=span.label, at=at))
    alerts = AlertFigures(ground.alerts, ground.catalog, ground.rules, ground.zone)
    wanted = FigureRequests(ground.catalog)
    BlockBuilder(ground.catalog, span, ground.zone, wanted, alerts).blocks(report)
    figures = read_figures(ground.cursor, ground.reader, ground.catalog, wanted, ground.zone)
    partial = _partial(ground, kpis_in(report), span)
    blocks = BlockBuilder(ground.catalog, span, ground.zone, figures, alerts, partial).blocks(report)
    if not _says_something(blocks, span) and not (_tells_of_alerts(report) and alerts.any_in(span)):
        raise NothingToReport(Message("report_no_data", report=report.id, period=span.label))
    number = 1 if asked.replaced is None else int(asked.replaced["number"]) + 1
    issue = Issue(
        report=report.id,
        title=report.title,
        period=span.label,
        period_name={language: name_of(span, language, ground.zone) for language in LANGUAGES},
        period_from=rfc3339(span.start),
        period_to=rfc3339(span.end),
        number=number,
        made_at=rfc3339(asked.at),
        made_by=asked.by,
        taken_at=rfc3339(ground.taken_at),
        province=ground.catalog.province.name,
        demonstration=ground.demonstration,
        version=report.version,
        basis=report.basis,
        one_page=report.one_page,
        notes=(*report.notes, *_partial_notes(ground.catalog, partial)),
        blocks=blocks,
        sources=_sources(ground, kpis_in(report)),
        send_to=asked.send_to,
        replaces=None if asked.replaced is None else number - 1,
    )
    return _compared(ground, issue, asked, kpis_in(report))


def _partial(ground: IssueContext, kpis: list[str], span: Span) -> dict[str, date]:
    """Return KPIs whose period began before their data did, with the first day of data."""
    found = {}
    for kpi in kpis:
        definition = ground.catalog.kpis[kpi]
        if definition.window.kind in (WindowKind.NOW, WindowKind.ALWAYS):
            continue
        start = (
            span.start if is_of_days(definition, span) else definition.window.bounds(just_before(span), ground.zone)[0]
        )
        first_day = first_day_of_data(ground.cursor, ground.catalog, definition, ground.zone)
        if (
            first_day is not None
            and start.astimezone(ground.zone).date() < first_day < span.end.astimezone(ground.zone).date()
        ):
            found[kpi] = first_day
    return found


def _partial_notes(catalog: Catalog, partial: Mapping[str, date]) -> tuple[Text, ...]:
    by_day: dict[date, list[Text]] = {}
    for kpi, day in partial.items():
        by_day.setdefault(day, []).append(catalog.kpis[kpi].name)
    return tuple(known_from(names, day) for day, names in sorted(by_day.items()))


def check_published(ground: IssueContext, report: Report, span: Span) -> None:
    """Check that the figures of the period are published, as far as they are published at all.

    Raises NotPublished.
    """
    kinds = {
        (of[0].value, naive(of[1]))
        for kpi in kpis_in(report)
        if (of := published_as(ground.catalog.kpis[kpi], span.end, ground.zone)) is not None
    }
    for kind, start in kinds:
        query = "SELECT count(*) FROM published_periods WHERE period = ? AND period_from = ?"
        if not ground.cursor.execute(query, [kind, start]).fetchall()[0][0]:
            raise NotPublished(Message("report_not_published", period=span.label))


def _compared(ground: IssueContext, issue: Issue, asked: IssueOrder, kpis: list[str]) -> Issue:
    """Add restatements since the last issue, and differences from the issue that this one replaces."""
    json = orjson.loads(orjson.dumps(issue))
    if asked.latest is not None:
        since = datetime.fromisoformat(asked.latest["taken_at"])
        record = read_restatements(ground.cursor, kpis, since, ground.zone)
        issue = replace(issue, restated=restated_of(issue, json, record, ground.catalog, ground.zone))
    if asked.replaced is not None:
        since = datetime.fromisoformat(asked.replaced["taken_at"])
        record = read_restatements(ground.cursor, kpis, since, ground.zone)
        changes = changes_of(asked.replaced, issue, json, record, ground.catalog, ground.zone)
        issue = replace(issue, changes=changes)
    return issue


def _says_something(blocks: tuple[Table | Drawing | Prose, ...], span: Span) -> bool:
    """Return whether any figure of the period has a value other than a zero count."""
    cells = [cell for block in blocks if isinstance(block, Table) for row in block.rows for cell in row.cells]
    cells += [cell for block in blocks if isinstance(block, Drawing) for cell in block.cells]
    own = [cell for cell in cells if cell.key is not None and cell.key[2] == span.label and cell.origin != "audit"]
    return any(cell.value is not None and (cell.value != 0 or cell.samples) for cell in own)


def _tells_of_alerts(report: Report) -> bool:
    return any(isinstance(block, AlertTable) for block in report.blocks)


def _sources(ground: IssueContext, kpis: list[str]) -> tuple[FigureSource, ...]:
    """Return the sources that ever supplied data behind the figures."""
    words = {leaf.key for kpi in kpis for leaf in kpi_inputs(ground.catalog.kpis[kpi], ground.catalog)}
    rows = ground.cursor.execute(
        "SELECT source, kind, word, max(last_at) FROM feeds GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    latest: dict[str, datetime] = {}
    for source, kind, word, at in rows:
        if (kind, word) in words:
            latest[source] = max(latest.get(source, at), at)
    return tuple(FigureSource(source, f"{at.isoformat(timespec='seconds')}Z") for source, at in latest.items())
