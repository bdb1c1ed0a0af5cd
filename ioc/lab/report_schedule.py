"""Make scheduled reports when their period is over and published, send them, and retry failures.

Finished issues are on disk, so a restart of the lab never makes one twice.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ioc.catalog import load_kept
from ioc.errors import IocError, SourceUnavailable
from ioc.lab.context import LabContext
from ioc.lab.job_process import LabBusy
from ioc.lab.report_jobs import ReportJobs
from ioc.lab.report_making import ReportOrder, reports_dir
from ioc.reports.compose_issue import NothingToReport, NotPublished
from ioc.reports.definition import Report
from ioc.reports.issue_store import IssueId, Issues
from ioc.reports.loader import load_reports
from ioc.reports.periods import Span, closed_span
from ioc.reports.sending_log import Sendings, attempt_of, issue_message

LOG = logging.getLogger(__name__)
EVERY_S = 60.0
START_DELAY_S = 60.0
"""Delay after the start, so that the centre starts first."""
REREAD_AFTER = timedelta(minutes=10)
"""Interval for reading definitions, which seldom change and take a while to check."""
RETRY_AFTER = timedelta(hours=1)
"""Pause after a period had no data, was not published, or failed."""
BY_SCHEDULE = "lịch"
MAX_SENT_ISSUES = 3
"""Only the newest issues of a report are sent."""


class ReportSchedule:
    """The schedule of reports.

    `step` does what is due; `run` calls it every minute.
    """

    def __init__(self, parts: LabContext) -> None:
        self._parts = parts
        self.issues = Issues(reports_dir(parts.settings))
        self.sendings = Sendings(reports_dir(parts.settings) / "sendings.ndjson")
        self.jobs = ReportJobs(parts)
        self._not_before: dict[tuple[str, str], datetime] = {}
        self._known: tuple[datetime, Mapping[str, Report]] | None = None

    async def run(self) -> None:
        self.issues.clear()
        await asyncio.sleep(START_DELAY_S)
        while True:
            try:
                await self.step()
            except Exception:  # one failing report must not end the others
                LOG.exception("reports")
            await asyncio.sleep(EVERY_S)

    async def step(self) -> None:
        """Make the issues that are due, then send those that are not sent yet."""
        snapshot = self._parts.snapshot()
        if snapshot is not None:
            now = self._parts.clock.now()
            if self._known is None or now - self._known[0] >= REREAD_AFTER:
                self._known = now, await asyncio.to_thread(self._reports)
            reports = self._known[1]
            for report in reports.values():
                await self._make(report, snapshot.taken_at)
            await self._send(reports)

    def _reports(self) -> Mapping[str, Report]:
        settings = self._parts.settings
        catalog = load_kept(settings.province, settings.catalog_dir, settings.kept_dir)
        return load_reports(catalog, settings.catalog_dir)

    async def _make(self, report: Report, taken_at: datetime) -> None:
        settings, now = self._parts.settings, self._parts.clock.now()
        snapshot = self._parts.snapshot()
        if report.schedule is None or snapshot is None:
            return
        span = closed_span(report.length, now, settings.zone)
        key = (report.id, span.label)
        due = due_at(report, span, settings.zone)
        if now < due or taken_at < due or self._not_before.get(key, now) > now:
            return
        if self.issues.latest(report.id, span.label) is not None:
            return
        order = ReportOrder(report.id, span.label, BY_SCHEDULE, now, scheduled=True)
        job = self.jobs.start(snapshot, order)
        await job.ended.wait()
        if isinstance(job.fault, NothingToReport | NotPublished):
            LOG.info("%s %s: %s", report.id, span.label, job.fault)
        elif job.fault is not None and not isinstance(job.fault, LabBusy):
            LOG.warning("%s of %s could not be made: %s", report.id, span.label, job.fault)
        if job.fault is not None and not isinstance(job.fault, LabBusy):
            self._not_before[key] = now + RETRY_AFTER

    async def _send(self, reports: Mapping[str, Report]) -> None:
        if self._parts.send is None:
            return
        candidates: list[tuple[IssueId, dict[str, object]]] = []
        for report in reports:
            candidates += [(issue, self.issues.values(issue)) for issue in self.issues.of(report)[:MAX_SENT_ISSUES]]
        for issue, channel, number in self.sendings.due(candidates, self._parts.clock.now()):
            values = self.issues.values(issue)
            files = (self.issues.path(issue, "pdf"), self.issues.path(issue, "xlsx"))
            parcel = issue_message(values, issue, self._parts.settings.outer_address, files)
            fault: Exception | None = None
            again = False
            try:
                await asyncio.to_thread(self._parts.send, channel, parcel)
            except SourceUnavailable as away:
                fault, again = away, True
            except IocError as refused:
                fault = refused
            except Exception as unknown:  # any exception of a channel's library is a failed try
                LOG.exception("report %s to %s", parcel.id, channel)
                fault, again = unknown, True
            self.sendings.note(attempt_of(issue, channel, number, self._parts.clock.now(), fault, again=again))


def due_at(report: Report, span: Span, zone: ZoneInfo) -> datetime:
    """Return when the scheduled report of a period is due."""
    assert report.schedule is not None
    moment = (span.end + report.schedule.after).astimezone(zone)
    at = report.schedule.at
    wanted = moment.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return wanted if wanted >= moment else wanted + timedelta(days=1)
