"""Make an issue of a report in the job process: compute over the snapshot, typeset, write all files at once."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from ioc.alert_service.rule_store import RuleStore
from ioc.catalog.rules import load_rules
from ioc.errors import IocError
from ioc.lab.job_process import report_progress
from ioc.lab.snapshot_reader import OpenSnapshot, open_snapshot
from ioc.messages import Message
from ioc.reports.alert_figures import SnapshotStore
from ioc.reports.compose_issue import IssueContext, IssueOrder, check_published, compose
from ioc.reports.definition import Report
from ioc.reports.issue_store import IssueId, Issues
from ioc.reports.loader import load_reports
from ioc.reports.pdf import pdf
from ioc.reports.periods import closed_span, parse_span
from ioc.reports.print_layout import printed
from ioc.reports.workbook import workbook
from ioc.settings import Settings
from ioc.store.alerting import AlertStore
from ioc.store.snapshot import Snapshot

LANGUAGE = "vi"
"""Language of the files; the page shows both."""
_TRIES = 3


class NoReport(IocError):
    """There is no such report."""


@dataclass(frozen=True, slots=True)
class ReportOrder:
    """An issue to make.

    An empty `period` means the one that ended last. `scheduled`: use only published figures and send through the
    schedule's channels; otherwise send only when `sends`.
    """

    report: str
    period: str
    by: str
    at: datetime
    scheduled: bool = False
    sends: bool = False


def reports_dir(settings: Settings) -> Path:
    return settings.data_dir / "reports"


def make(snapshot: Snapshot, settings: Settings, order: ReportOrder) -> IssueId:
    """Make and store an issue; return its id.

    Raises NoReport, PeriodUnfit, NothingToReport, NotPublished, TypesettingFailed, CatalogInvalid,
    StoreUnavailable; nothing is left on disk then.
    """
    issues = Issues(reports_dir(settings))
    with open_snapshot(snapshot, settings) as past:
        report = report_of(order.report, past, settings)
        span = (
            parse_span(report.length, order.period, settings.zone)
            if order.period
            else closed_span(report.length, snapshot.taken_at, settings.zone)
        )
        ground = _ground(past, snapshot, settings)
        if order.scheduled:
            check_published(ground, report, span)
        replaced = issues.latest(report.id, span.label)
        channels = report.schedule.channels if report.schedule and (order.scheduled or order.sends) else ()
        asked = IssueOrder(
            by=order.by,
            at=order.at,
            replaced=issues.values(replaced) if replaced else None,
            latest=issues.newest_made(report.id),
            send_to=channels,
        )
        report_progress(0.1)
        issue = compose(ground, report, span, asked)
    report_progress(0.7)
    for _ in range(_TRIES):
        files = {"xlsx": workbook(issue, LANGUAGE, settings.zone)}
        report_progress(0.85)
        files["pdf"] = pdf(printed(issue, LANGUAGE, settings.zone), one_page=issue.one_page)
        try:
            return issues.add(issue, files)
        except FileExistsError:
            # Another issue was stored meanwhile; number this one after it.
            issue = replace(issue, number=issue.number + 1)
    raise IocError(Message("report_made_by_others", report=order.report))


def report_of(report_id: str, past: OpenSnapshot, settings: Settings) -> Report:
    """Return the definition of a report.

    Raises NoReport, CatalogInvalid.
    """
    reports = load_reports(past.catalog, settings.catalog_dir)
    if report_id not in reports:
        raise NoReport(Message("no_report_known", given=report_id[:60], known=", ".join(reports)))
    return reports[report_id]


def _ground(past: OpenSnapshot, snapshot: Snapshot, settings: Settings) -> IssueContext:
    alerts = AlertStore(SnapshotStore(snapshot.path, past.cursor))
    rules = load_rules(past.catalog, settings.catalog_dir, RuleStore(alerts).changed()).rules
    return IssueContext(
        cursor=past.cursor,
        reader=past.reader,
        catalog=past.catalog,
        zone=settings.zone,
        taken_at=snapshot.taken_at,
        alerts=alerts,
        rules={rule_id: rule.name for rule_id, rule in rules.items()},
        demonstration=settings.demonstration,
    )
