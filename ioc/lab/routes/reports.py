"""/api/v1/reports: definitions of reports, their issues with files, making one now."""

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel

from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import RETRY_AFTER_S, UNEXPECTED, FieldFault, Problem
from ioc.catalog import load_kept
from ioc.clock import rfc3339
from ioc.errors import IocError, StoreUnavailable
from ioc.lab.caller import caller_of
from ioc.lab.context import LabParts
from ioc.lab.job_process import ComputationFailed, LabBusy
from ioc.lab.report_jobs import AlreadyBeingMade, ReportJob
from ioc.lab.report_making import NoReport, Order
from ioc.lab.report_schedule import ReportSchedule, due_at
from ioc.reports.compose_issue import NothingToReport
from ioc.reports.definition import Report
from ioc.reports.formatting import LANGUAGES
from ioc.reports.issue_store import IssueId, NoIssue
from ioc.reports.loader import load_reports
from ioc.reports.pdf import TypesettingFailed
from ioc.reports.periods import PeriodUnfit, closed_span, name_of, parse_span, span_at

ANSWERS_WITHIN_S = 10.0
"""A page waits 15 s for an answer; what takes longer is looked after."""
_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "json": "application/json",
}


class Wish(BaseModel):
    """`period` is the one that ended last when it is left out; `send`: also by the channels of the schedule."""

    period: str = ""
    send: bool = False


def routes(parts: LabParts, kept: ReportSchedule) -> APIRouter:
    router = APIRouter(prefix="/api/v1/reports", tags=["reports"])
    settings = parts.settings

    def definitions() -> Mapping[str, Report]:
        catalog = load_kept(settings.province, settings.catalog_dir, settings.kept_dir)
        return load_reports(catalog, settings.catalog_dir)

    async def definition(report: str) -> Report:
        found = await asyncio.to_thread(definitions)
        if report not in found:
            raise Problem(404, f"There is no report {report[:60]!r}.")
        return found[report]

    def head(report: Report) -> dict[str, Any]:
        """What a list shows."""
        now = parts.clock.now()
        issues = kept.issues.of(report.id)
        closed = closed_span(report.length, now, settings.zone)
        running = span_at(report.length, now, settings.zone)
        schedule = None
        if report.schedule is not None:
            waiting = closed if not issues or issues[0].period < closed.label else running
            schedule = {
                "next": rfc3339(due_at(report, waiting, settings.zone)),
                "next_period": waiting.label,
                "channels": list(report.schedule.channels),
            }
        return {
            "id": report.id,
            "title": report.title,
            "period": report.length.value,
            "basis": report.basis,
            "version": report.version,
            "schedule": schedule,
            "closed": {
                "period": closed.label,
                "name": {word: name_of(closed, word, settings.zone) for word in LANGUAGES},
            },
            "making": [_job_shape(job) for job in kept.jobs.running(report.id)],
            "last_made": None if (last := kept.jobs.last(report.id)) is None else _job_shape(last),
            "issues": len(issues),
            "newest": _shortly(kept, issues[0]) if issues else None,
        }

    @router.get("")
    async def reports() -> Response:
        """All reports, each with its newest issue."""

        def read() -> list[dict[str, Any]]:
            return [head(report) for report in definitions().values()]

        return JsonResponse({"reports": await asyncio.to_thread(read)})

    @router.get("/{report}")
    async def report(report: str) -> Response:
        found = await definition(report)
        return JsonResponse(await asyncio.to_thread(head, found))

    @router.get("/{report}/issues")
    async def issues(report: str) -> Response:
        """The newest period first. Issues of a report that is no longer defined stay."""

        def read() -> list[dict[str, Any]]:
            return [_shortly(kept, issue) for issue in kept.issues.of(report)]

        listed = await asyncio.to_thread(read)
        if not listed:
            await definition(report)
        return JsonResponse({"issues": listed})

    @router.post("/{report}/issues", status_code=201)
    async def make_now(report: str, wish: Wish, request: Request) -> Response:
        """Make one now, over the snapshot in use: 201 when it is there soon. Else 202 with `making`, whose progress the
        report itself shows; asking again for the same period finds the same job."""
        snapshot = parts.snapshot()
        if snapshot is None:
            raise Problem(
                503,
                "There is no snapshot of the store yet; try again shortly.",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
        length = (await definition(report)).length
        try:
            span = (
                parse_span(length, wish.period, settings.zone)
                if wish.period
                else closed_span(length, snapshot.taken_at, settings.zone)
            )
            order = Order(report, span.label, caller_of(request).name, parts.clock.now(), sends=wish.send)
            job = kept.jobs.start(snapshot, order)
        except PeriodUnfit as fault:
            raise _problem_of(fault, wish.period) from None
        except AlreadyBeingMade as fault:
            field = FieldFault("period", str(fault), "report_being_made", {"period": span.label})
            raise Problem(409, str(fault), [field]) from None
        if not await job.wait(ANSWERS_WITHIN_S):
            return JsonResponse({"making": _job_shape(job)}, 202, headers={"Location": f"/api/v1/reports/{report}"})
        if job.fault is not None:
            raise _problem_of(job.fault, span.label) from None
        assert job.issue is not None
        answer = JsonResponse(_shortly(kept, job.issue), 201)
        answer.headers["Location"] = f"/api/v1/reports/{job.issue.report}/issues/{job.issue}"
        return answer

    @router.get("/{report}/issues/{issue}")
    async def one(report: str, issue: str) -> Response:
        """Everything that an issue says, and whom it was sent to."""
        found = parsed(report, issue)
        try:
            values = await asyncio.to_thread(kept.issues.values, found)
        except NoIssue as fault:
            raise Problem(404, str(fault)) from None
        sent = [
            {name: getattr(attempt, name) for name in ("channel", "attempt", "at", "outcome", "reason", "next_at")}
            for attempt in kept.sendings.of(found)
        ]
        return JsonResponse({"id": str(found), **values, "sendings": sent})

    @router.get("/{report}/issues/{issue}/{file}")
    async def download(report: str, issue: str, file: str) -> Response:
        """`file.xlsx`, `file.pdf` or `file.json`, as it was made."""
        found = parsed(report, issue)
        name, _, kind = file.partition(".")
        if name != "file" or kind not in _TYPES:
            raise Problem(404, f"An issue has file.pdf, file.xlsx and file.json, no {file[:40]!r}.")
        try:
            path = kept.issues.path(found, kind)
        except NoIssue as fault:
            raise Problem(404, str(fault)) from None
        return FileResponse(path, media_type=_TYPES[kind], filename=f"{report}-{issue}.{kind}")

    def parsed(report: str, issue: str) -> IssueId:
        try:
            return IssueId.parse(report, issue)
        except NoIssue as fault:
            raise Problem(404, str(fault)) from None

    return router


def _job_shape(job: ReportJob) -> dict[str, Any]:
    """`detail` and `errors` say why it failed, as the problem of a request would."""
    problem = None if job.fault is None else _problem_of(job.fault, job.order.period)
    return {
        "period": job.order.period,
        "by": job.order.by,
        "begun_at": rfc3339(job.order.at),
        "state": job.state.value,
        "progress": round(job.progress, 3),
        "issue": None if job.issue is None else str(job.issue),
        "ended_at": None if job.ended_at is None else rfc3339(job.ended_at),
        "detail": "" if problem is None else problem.detail,
        "errors": [] if problem is None else [one.shape() for one in problem.errors if isinstance(one, FieldFault)],
    }


def _problem_of(fault: Exception, period: str) -> Problem:
    """Return the answer to a request whose issue could not be made."""
    match fault:
        case NoReport():
            return Problem(404, str(fault))
        case PeriodUnfit():
            return Problem(400, str(fault), [FieldFault("period", str(fault), fault.code, fault.params)])
        case NothingToReport():
            return Problem(409, str(fault), [FieldFault("period", str(fault), "report_no_data", {"period": period})])
        case LabBusy():
            return Problem(429, str(fault), headers={"Retry-After": str(RETRY_AFTER_S)})
        case ComputationFailed() | TypesettingFailed() | StoreUnavailable():
            return Problem(503, str(fault))
        case IocError():
            return Problem(409, str(fault))
    return Problem(500, UNEXPECTED)


def _shortly(kept: ReportSchedule, issue: IssueId) -> dict[str, Any]:
    values = kept.issues.values(issue)
    names = ("report", "period", "period_name", "period_from", "period_to", "number", "made_at", "made_by", "taken_at")
    shortly = {name: values[name] for name in (*names, "replaces")}
    files = {kind: f"/api/v1/reports/{issue.report}/issues/{issue}/file.{kind}" for kind in _TYPES}
    return {"id": str(issue), **shortly, "changes": len(values["changes"]), "files": files}
