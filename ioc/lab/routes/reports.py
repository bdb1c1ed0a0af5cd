"""/api/v1/reports: reports, their issues with files, and making an issue now."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import RETRY_AFTER_S, UNEXPECTED, FieldFault, Problem
from ioc.api.schemas.reports import (
    FILES,
    IssueContentShape,
    IssueListShape,
    IssueShape,
    IssueSummaryShape,
    ReportJobStartedShape,
    ReportListShape,
    ReportShape,
)
from ioc.catalog import load_kept
from ioc.clock import rfc3339
from ioc.errors import IocError, StoreUnavailable
from ioc.lab.caller import caller_of
from ioc.lab.context import Lab, LabContext
from ioc.lab.job_process import ComputationFailed, LabBusy
from ioc.lab.report_jobs import AlreadyBeingMade, ReportJob
from ioc.lab.report_making import NoReport, ReportOrder
from ioc.lab.report_schedule import ReportSchedule, due_at
from ioc.messages import Message
from ioc.reports.compose_issue import NothingToReport
from ioc.reports.definition import Report
from ioc.reports.formatting import LANGUAGES
from ioc.reports.issue_store import IssueId, NoIssue
from ioc.reports.loader import load_reports
from ioc.reports.pdf import TypesettingFailed
from ioc.reports.periods import PeriodLength, PeriodUnfit, closed_span, name_of, parse_span, span_at
from ioc.settings import Settings

router = APIRouter(prefix="/api/v1/reports", tags=["reports"])

MAX_WAIT_S = 10.0
"""Pages wait 15 s for a response; what takes longer goes on as a job."""
_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "json": "application/json",
}


class IssueRequest(BaseModel):
    """Which issue to make. `period`: by default the last one that has ended. `send`: also send it as scheduled."""

    period: str = ""
    send: bool = False


async def get_keeping(connection: HTTPConnection) -> ReportSchedule:
    """Return the issues and jobs of the app."""
    keeping: ReportSchedule = connection.app.state.report_keeping
    return keeping


Keeping = Annotated[ReportSchedule, Depends(get_keeping)]


@router.get("", response_model=ReportListShape)
async def list_reports(lab: Lab, keeping: Keeping) -> Response:
    """Return all reports, each with its newest issue."""

    def read() -> Response:
        reports = _definitions(lab.settings).values()
        return JsonResponse({"reports": [_summary(lab, keeping, report) for report in reports]})

    return await asyncio.to_thread(read)


@router.get("/{report}", response_model=ReportShape)
async def get_report(lab: Lab, keeping: Keeping, report: str) -> Response:
    """Return a report with its newest issue and the issues that are being made."""
    return await asyncio.to_thread(lambda: JsonResponse(_summary(lab, keeping, _definition(lab.settings, report))))


@router.get("/{report}/issues", response_model=IssueListShape)
async def list_issues(lab: Lab, keeping: Keeping, report: str) -> Response:
    """Return issues, the newest period first. Issues of a report that is no longer defined remain."""

    def read() -> Response:
        listed = [_issue_summary(keeping, issue) for issue in keeping.issues.of(report)]
        if not listed:
            _definition(lab.settings, report)  # raises 404 for an unknown report
        return JsonResponse({"issues": listed})

    return await asyncio.to_thread(read)


@router.post(
    "/{report}/issues",
    status_code=201,
    response_model=IssueSummaryShape,
    responses={202: {"model": ReportJobStartedShape, "description": "It takes longer and goes on"}},
)
async def make_issue(lab: Lab, keeping: Keeping, report: str, body: IssueRequest, request: Request) -> Response:
    """Make an issue now, from the snapshot in use. 201 when it is ready soon.

    Otherwise 202 with `making`; the report shows the progress. A repeated request for the same period finds the same
    job.
    """
    length = (await asyncio.to_thread(_definition, lab.settings, report)).length
    job = _start_job(lab, keeping, report, length, body, caller_of(request).name)
    if not await job.wait(MAX_WAIT_S):
        return JsonResponse({"making": _job_shape(job)}, 202, headers={"Location": f"/api/v1/reports/{report}"})
    if job.fault is not None:
        raise _problem_of(job.fault) from None
    assert job.issue is not None
    headers = {"Location": f"/api/v1/reports/{job.issue.report}/issues/{job.issue}"}
    return JsonResponse(_issue_summary(keeping, job.issue), 201, headers=headers)


@router.get("/{report}/issues/{issue}", response_model=IssueShape)
async def get_issue(keeping: Keeping, report: str, issue: str) -> Response:
    """Return everything that an issue contains, and the attempts to send it."""
    found = _parsed(report, issue)
    try:
        values = await asyncio.to_thread(keeping.issues.values, found)
    except NoIssue as fault:
        raise Problem(404, fault.message) from None
    sendings = [
        {name: getattr(attempt, name) for name in ("channel", "attempt", "at", "outcome", "reason", "next_at")}
        for attempt in keeping.sendings.of(found)
    ]
    return JsonResponse({"id": str(found), **values, "sendings": sendings})


@router.get("/{report}/issues/{issue}/{file}", response_model=IssueContentShape, responses=FILES)
async def download_issue_file(keeping: Keeping, report: str, issue: str, file: str) -> Response:
    """Return `file.xlsx`, `file.pdf` or `file.json`, as it was made."""
    found = _parsed(report, issue)
    name, _, kind = file.partition(".")
    if name != "file" or kind not in _TYPES:
        raise Problem(404, Message("report_file", given=file[:40]))
    try:
        path = keeping.issues.path(found, kind)
    except NoIssue as fault:
        raise Problem(404, fault.message) from None
    return FileResponse(path, media_type=_TYPES[kind], filename=f"{report}-{issue}.{kind}")


def _start_job(
    lab: LabContext, keeping: ReportSchedule, report: str, length: PeriodLength, body: IssueRequest, by: str
) -> ReportJob:
    """Start or find the job for the requested period. Raises Problem."""
    snapshot = lab.snapshot()
    if snapshot is None:
        raise Problem(
            503,
            Message("no_store_snapshot"),
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )
    zone = lab.settings.zone
    try:
        span = parse_span(length, body.period, zone) if body.period else closed_span(length, snapshot.taken_at, zone)
    except PeriodUnfit as fault:
        raise _problem_of(fault) from None
    order = ReportOrder(report, span.label, by, lab.clock.now(), sends=body.send)
    try:
        return keeping.jobs.start(snapshot, order)
    except AlreadyBeingMade as fault:
        field = FieldFault("period", fault.message)
        raise Problem(409, fault.message, [field]) from None


def _definitions(settings: Settings) -> Mapping[str, Report]:
    catalog = load_kept(settings.province, settings.catalog_dir, settings.kept_dir)
    return load_reports(catalog, settings.catalog_dir)


def _definition(settings: Settings, report: str) -> Report:
    found = _definitions(settings)
    if report not in found:
        raise Problem(404, Message("no_report", given=report[:60]))
    return found[report]


def _parsed(report: str, issue: str) -> IssueId:
    try:
        return IssueId.parse(report, issue)
    except NoIssue as fault:
        raise Problem(404, fault.message) from None


def _summary(lab: LabContext, keeping: ReportSchedule, report: Report) -> dict[str, Any]:
    """Return a report as ReportShape."""
    zone, now = lab.settings.zone, lab.clock.now()
    issues = keeping.issues.of(report.id)
    closed = closed_span(report.length, now, zone)
    schedule = None
    if report.schedule is not None:
        is_made = bool(issues) and issues[0].period >= closed.label
        next_span = span_at(report.length, now, zone) if is_made else closed
        schedule = {
            "next": rfc3339(due_at(report, next_span, zone)),
            "next_period": next_span.label,
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
            "name": {language: name_of(closed, language, zone) for language in LANGUAGES},
        },
        "making": [_job_shape(job) for job in keeping.jobs.running(report.id)],
        "last_made": None if (last := keeping.jobs.last(report.id)) is None else _job_shape(last),
        "issues": len(issues),
        "newest": _issue_summary(keeping, issues[0]) if issues else None,
    }


def _job_shape(job: ReportJob) -> dict[str, Any]:
    """Return a job as ReportJobShape; `detail` and `errors` are those of the problem that a request would get."""
    problem = None if job.fault is None else _problem_of(job.fault)
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


def _problem_of(fault: Exception) -> Problem:
    """Return the problem for an issue that could not be made."""
    match fault:
        case NoReport():
            return Problem(404, fault.message)
        case PeriodUnfit():
            return Problem(400, fault.message, [FieldFault("period", fault.message)])
        case NothingToReport():
            return Problem(409, fault.message, [FieldFault("period", fault.message)])
        case LabBusy():
            return Problem(429, fault.message, headers={"Retry-After": str(RETRY_AFTER_S)})
        case ComputationFailed() | TypesettingFailed() | StoreUnavailable():
            return Problem(503, fault.message)
        case IocError():
            return Problem(409, fault.message)
    return Problem(500, UNEXPECTED)


def _issue_summary(keeping: ReportSchedule, issue: IssueId) -> dict[str, Any]:
    """Return an issue as IssueSummaryShape."""
    values = keeping.issues.values(issue)
    names = ("report", "period", "period_name", "period_from", "period_to", "number", "made_at", "made_by", "taken_at")
    head = {name: values[name] for name in (*names, "replaces")}
    files = {kind: f"/api/v1/reports/{issue.report}/issues/{issue}/file.{kind}" for kind in _TYPES}
    return {"id": str(issue), **head, "changes": len(values["changes"]), "files": files}
