"""The fake centre with reports: issues of plain values, in the shapes of `/api/v1/reports`."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ioc.messages import Message
from ioc.reports.issue_content import Issue
from tests.browser.fake_centre import PAGES
from tests.browser.fake_desk import FakeDesk, problem
from tests.browser.province import Json
from tests.support.example_issue import OCTOBER, TITLES, example_issue


class FakeReports(FakeDesk):
    """`made` are the issues of online_services; `refuses` is the sentence with which making one is refused; `making`
    the job that is under way, if any, `last_made` the one before."""

    def job(self, progress: float, **ended: object) -> Json:
        begun = {"period": "2026-10", "by": "an", "begun_at": "2026-11-06T00:00:00Z", "state": "making", "issue": None}
        return {**begun, "progress": progress, "ended_at": None, "detail": "", "errors": [], **ended}

    def __init__(self, *, role: str = "analyst", pages: Path = PAGES) -> None:
        self.made = [example_issue()]
        self.refuses = ""
        self.wished: list[Json] = []
        self.downloads: list[str] = []
        self.takes_s = 0.0
        self.making: list[Json] = []
        self.last_made: Json | None = None
        super().__init__(role=role, pages=pages)

    def _app(self, pages: Path) -> Starlette:
        app = super()._app(pages)
        base = "/api/v1/reports"
        routes: list[tuple[str, Any, list[str]]] = [
            (base, self._reports, ["GET"]),
            (f"{base}/{{report}}", self._report, ["GET"]),
            (f"{base}/{{report}}/issues", self._issues, ["GET"]),
            (f"{base}/{{report}}/issues", self._make, ["POST"]),
            (f"{base}/{{report}}/issues/{{issue}}", self._issue, ["GET"]),
            (f"{base}/{{report}}/issues/{{issue}}/{{file}}", self._file, ["GET"]),
        ]
        app.router.routes[:0] = [Route(path, call, methods=methods) for path, call, methods in routes]
        return app

    def _head(self, report: str) -> Json:
        newest = self._short(self.made[-1]) if report == "online_services" and self.made else None
        closed = {"period": "2026-10", "name": OCTOBER}
        schedule = {"next": "2026-12-03T00:00:00Z", "next_period": "2026-11", "channels": ["leaders-mail"]}
        return {
            "id": report, "title": TITLES[report], "period": "month", "basis": "QĐ 766/QĐ-TTg", "version": "a1",
            "schedule": schedule if report == "online_services" else None, "closed": closed,
            "issues": len(self.made) if newest else 0, "newest": newest,
            "making": self.making, "last_made": self.last_made,
        }  # fmt: skip

    def _short(self, issue: Issue) -> Json:
        names = ("report", "period", "period_name", "number", "made_at", "made_by", "taken_at", "replaces")
        issue_id = f"{issue.period}.{issue.number}"
        files = {
            kind: f"/api/v1/reports/{issue.report}/issues/{issue_id}/file.{kind}" for kind in ("pdf", "xlsx", "json")
        }
        return {
            "id": issue_id,
            **{name: getattr(issue, name) for name in names},
            "changes": len(issue.changes),
            "files": files,
        }

    async def _reports(self, _: Request) -> Response:
        return self._or_refused({"reports": [self._head(report) for report in TITLES]})

    async def _report(self, request: Request) -> Response:
        return self._or_refused(self._head(request.path_params["report"]))

    async def _issues(self, request: Request) -> Response:
        held = self.made if request.path_params["report"] == "online_services" else []
        return self._or_refused({"issues": [self._short(issue) for issue in reversed(held)]})

    async def _make(self, request: Request) -> Response:
        self.wished.append(await request.json())
        await asyncio.sleep(self.takes_s)
        if self.refuses:
            return problem(400, self.refuses)
        if self.making:
            return JSONResponse({"making": self.making[0]}, 202)
        self.made.append(example_issue(len(self.made) + 1))
        return JSONResponse(self._short(self.made[-1]), 201)

    async def _issue(self, request: Request) -> Response:
        for issue in self.made:
            if request.path_params["issue"] == f"{issue.period}.{issue.number}":
                sent = {
                    "channel": "leaders-mail",
                    "attempt": 1,
                    "at": issue.made_at,
                    "outcome": "sent",
                    "reason": "",
                    "next_at": "",
                }
                shape = orjson.loads(orjson.dumps(issue))
                return self._or_refused({"id": f"{issue.period}.{issue.number}", **shape, "sendings": [sent]})
        message = Message("no_issue", report=request.path_params["report"], given=request.path_params["issue"])
        return problem(404, str(message), "", message.code, dict(message.params))

    async def _file(self, request: Request) -> Response:
        self.downloads.append(request.url.path)
        headers = {"Content-Disposition": 'attachment; filename="report"'}
        return Response(b"%PDF-", media_type="application/pdf", headers=headers)
