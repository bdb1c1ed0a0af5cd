"""The fake centre with a lab: a small DuckDB answers in the shapes of `/api/v1/lab` when the test releases it."""

import asyncio
import re
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.browser import province
from tests.browser.fake_centre import PAGES
from tests.browser.fake_desk import FakeDesk, problem
from tests.browser.province import Json

QUESTIONS: list[Json] = [
    {
        "id": "lowest",
        "title": {"vi": "Xã nào giải quyết đúng hạn thấp nhất?", "en": "Which communes are least on time?"},
        "why": {"vi": "Để biết nơi cần hỗ trợ trước.", "en": "To know where help is needed first."},
        "sql": "-- thấp nhất trước\nFROM kpi_values SELECT unit, value\nWHERE kpi = 'dossier.on_time_rate'"
        " AND evaluated_at = (SELECT max(evaluated_at) FROM kpi_values)\nORDER BY value",
        "parameters": {},
        "chart": {"kind": "map", "x": "unit", "y": ["value"], "by": ""},
    },
    {
        "id": "course",
        "title": {"vi": "Tỷ lệ đúng hạn của một xã theo ngày", "en": "On-time rate of a commune by day"},
        "why": {"vi": "Thấy ngày bắt đầu giảm.", "en": "To see the day when it began to fall."},
        "sql": "SELECT evaluated_at, value FROM kpi_values\nWHERE unit = $unit AND evaluated_at >= $from::DATE"
        " AND evaluated_at < $to::DATE\nORDER BY evaluated_at",
        "parameters": {},
        "chart": None,
    },
    {
        "id": "hours",
        "title": {"vi": "Giờ nào trong ngày có nhiều hồ sơ?", "en": "Which hours of the day have most dossiers?"},
        "why": {"vi": "Để xếp người ở quầy.", "en": "To place people at the counters."},
        "sql": "SELECT unit, hour, n FROM hours",
        "parameters": {},
        "chart": None,
    },
]
COMMENTS = {
    "kpi_values": ("Giá trị KPI theo thời gian", "KPI values over time"),
    "units": ("Đơn vị hành chính", "Administrative units"),
    "kpi": ("Mã KPI", "KPI id"),
    "unit": ("Mã đơn vị", "Unit code"),
    "value": ("Giá trị; trống khi không có dữ liệu", "Value; empty without data"),
    "evaluated_at": ("Thời điểm tính, giờ của tỉnh", "When it was evaluated, the province's time"),
}
_PLACE = re.compile(r"LINE (\d+): (.*)\n( *)\^")


class FakeLab(FakeDesk):
    """A fake desk with a lab.

    `held` keeps queries running until it is cleared; `ahead` is the number of queries queued before the next;
    `away` makes the lab unreachable. `asked` holds the queries received: text and parameters.
    """

    def __init__(self, *, role: str = "analyst", pages: Path = PAGES) -> None:
        self.held = False
        self.ahead = 0
        self.away = False
        self.cut_at: int | None = None
        self.asked: list[Json] = []
        self.cancelled: list[str] = []
        self.downloads: list[str] = []
        self.saved: list[Json] = []
        self.saved_versions: list[Json] = []
        self.snapshots = 0
        self._queries: dict[str, Json] = {}
        self._database = duckdb.connect(":memory:")
        super().__init__(role=role, pages=pages)
        self.taken_at = self.now() - timedelta(minutes=3)
        self._fill()

    def _fill(self) -> None:
        codes = [unit["code"] for unit in province.units() if unit["kind"] in {"commune", "ward"}]
        self._database.execute(
            "CREATE TABLE kpi_values (kpi VARCHAR, unit VARCHAR, evaluated_at TIMESTAMP, value DOUBLE)"
        )
        self._database.execute(
            """INSERT INTO kpi_values
               SELECT 'dossier.on_time_rate', unit, day, 90 + (hash(unit) % 100) / 10.0 - 5 * (d % 3)
               FROM (SELECT unnest($codes) AS unit), range(30) t(d),
                    LATERAL (SELECT date_trunc('day', $now::TIMESTAMP) - to_days(d::INTEGER) AS day)
               WHERE d NOT BETWEEN 9 AND 12""",
            {"codes": ["46", *codes], "now": self.now().replace(tzinfo=None)},
        )
        self._database.execute("CREATE TABLE units AS SELECT unnest($1) AS code", [codes])
        self._database.execute(
            "CREATE TABLE hours AS SELECT code AS unit, hour, 3 + (hash(code) + hour * hour) % 40 AS n"
            " FROM units LIMIT 12, range(7, 18) t(hour)".replace("units LIMIT 12", "(FROM units LIMIT 12)")
        )

    def _app(self, pages: Path) -> Starlette:
        app = super()._app(pages)
        lab = "/api/v1/lab"
        routes: list[tuple[str, Any, list[str]]] = [
            (lab, self._lab, ["GET"]),
            (f"{lab}/snapshot", self._snapshot, ["POST"]),
            (f"{lab}/dictionary", self._dictionary, ["GET"]),
            (f"{lab}/questions", self._ready, ["GET"]),
            (f"{lab}/history", self._history, ["GET"]),
            (f"{lab}/check", self._check, ["POST"]),
            (f"{lab}/plan", self._plan, ["POST"]),
            (f"{lab}/saved", self._all_saved, ["GET", "POST"]),
            (f"{lab}/saved/{{id}}", self._one_saved, ["PUT", "DELETE"]),
            (f"{lab}/saved/{{id}}/versions", self._versions_of_saved, ["GET"]),
            (f"{lab}/queries", self._start, ["POST"]),
            (f"{lab}/queries/{{id}}", self._query, ["GET", "DELETE"]),
            (f"{lab}/queries/{{id}}/rows", self._rows, ["GET"]),
            (f"{lab}/queries/{{id}}/result", self._result, ["GET"]),
        ]
        app.router.routes[:0] = [
            Route(path, self._guarded(answer), methods=methods) for path, answer, methods in routes
        ]
        return app

    def _guarded(self, answer: Any) -> Any:
        async def guarded(request: Request) -> Response:
            if self.away:
                return problem(
                    503, "The lab does not answer just now; everything else goes on. Try again in a few seconds."
                )
            response: Response = await answer(request)
            return response

        return guarded

    async def _lab(self, _: Request) -> Response:
        age = (self.now() - self.taken_at).total_seconds()
        return JSONResponse(
            {
                "snapshot": {"taken_at": province.rfc3339(self.taken_at), "age_s": age, "size_bytes": 131_000_000},
                "limits": {"seconds": 60, "memory_mb": 512, "rows": 100_000, "bytes": 200_000_000},
                "queue": {"running": 0, "waiting": 0},
                "version": 1,
                "quack": None,
            }
        )

    async def _snapshot(self, request: Request) -> Response:
        self.snapshots += 1
        self.taken_at = self.now()
        return await self._lab(request)

    async def _dictionary(self, _: Request) -> Response:
        def comment(name: str) -> Json:
            vi, en = COMMENTS.get(name, (f"Cột {name}", f"Column {name}"))
            return {"vi": vi, "en": en}

        views = []
        for name in ("kpi_values", "units", "hours"):
            told = self._database.cursor().execute(f"DESCRIBE {name}").fetchall()
            columns = [{"name": row[0], "type": row[1], "comment": comment(row[0])} for row in told]
            views.append({"name": name, "comment": comment(name), "columns": columns})
        promise = {"vi": "Tên cột không đổi trong một phiên bản.", "en": "Names of columns stay within a version."}
        return JSONResponse({"version": 1, "views": views, "promise": promise})

    async def _ready(self, _: Request) -> Response:
        return JSONResponse({"questions": QUESTIONS})

    async def _history(self, _: Request) -> Response:
        rows = [
            {
                "at": province.rfc3339(query["at"]),
                "sql": query["sql"],
                "parameters": query["parameters"],
                "state": query["state"],
                "elapsed_ms": 12,
                "row_count": len(query["rows"]),
            }
            for query in reversed(self._queries.values())
        ]
        return JSONResponse({"history": rows})

    async def _check(self, request: Request) -> Response:
        sql = (await request.json())["sql"]
        fault = self._fault(sql)
        return JSONResponse({"ok": fault is None, "parameters": re.findall(r"\$(\w+)", sql), "error": fault})

    async def _plan(self, request: Request) -> Response:
        asked = await request.json()
        if (fault := self._fault(asked["sql"])) is not None:
            return _refused(fault)
        [(_, plan)] = self._database.cursor().execute(f"EXPLAIN {asked['sql']}", asked["parameters"]).fetchall()
        return JSONResponse({"plan": plan})

    def _fault(self, sql: str) -> Json | None:
        try:
            self._database.cursor().execute(f"EXPLAIN\n{sql}", dict.fromkeys(re.findall(r"\$([a-z]\w*)", sql)))
        except duckdb.Error as error:
            fault = place_of(str(error))
            return fault | {"line": fault["line"] and fault["line"] - 1}
        return None

    async def _start(self, request: Request) -> Response:
        if request.headers.get("x-csrf-token") is None:
            return problem(403, "X-CSRF-Token is missing.")
        asked = await request.json()
        self.asked.append(asked)
        try:
            done = self._database.cursor().execute(asked["sql"], asked["parameters"])
        except duckdb.Error as error:
            return _refused(place_of(str(error)))
        columns = [{"name": column[0], "type": str(column[1])} for column in done.description]
        rows = [[told(cell) for cell in row] for row in done.fetchall()]
        truncated = self.cut_at is not None and len(rows) > self.cut_at
        query_id = f"q{len(self._queries) + 1}"
        self._queries[query_id] = {
            **asked,
            "state": "running",
            "columns": columns,
            "rows": rows[: self.cut_at],
            "truncated": truncated,
            "at": self.now(),
        }
        return JSONResponse({"id": query_id}, 202)

    async def _query(self, request: Request) -> Response:
        query_id = request.path_params["id"]
        query = self._queries[query_id]
        if request.method == "DELETE":
            self.cancelled.append(query_id)
            query["state"] = "cancelled"
            return Response(status_code=204)
        waits = self.held and query["state"] == "running"
        state = "waiting" if waits and self.ahead else "running" if waits else query["state"]
        if state == "running" and not waits:
            state = query["state"] = "done"
        shown = state == "done"
        return JSONResponse(
            {
                "id": query_id,
                "state": state,
                "ahead": self.ahead if state == "waiting" else 0,
                "elapsed_ms": 320,
                "progress": 0.4 if state == "running" else None,
                "row_count": len(query["rows"]) if shown else None,
                "columns": query["columns"] if shown else None,
                "truncated": query["truncated"],
                "error": None,
                "kind": None,
                "snapshot": {"taken_at": province.rfc3339(self.taken_at)},
            }
        )

    async def _rows(self, request: Request) -> Response:
        query = self._queries[request.path_params["id"]]
        offset, limit = (int(request.query_params[key]) for key in ("offset", "limit"))
        await asyncio.sleep(0)
        return JSONResponse({"rows": query["rows"][offset : offset + limit]})

    async def _result(self, request: Request) -> Response:
        self.downloads.append(request.query_params["format"])
        name = f"ioc.{request.query_params['format']}"
        return Response(b"file", headers={"content-disposition": f'attachment; filename="{name}"'})

    async def _all_saved(self, request: Request) -> Response:
        if request.method == "POST":
            kept = {"id": len(self.saved) + 1, "owner": self.role, "version": 1} | await request.json()
            self._keep(kept)
            return JSONResponse(kept, 201)
        return JSONResponse({"saved": self.saved})

    def _keep(self, kept: Json) -> None:
        kept["changed_at"] = province.rfc3339(self.now())
        self.saved_versions.append(kept)
        self.saved = [kept, *(each for each in self.saved if each["id"] != kept["id"])]

    async def _one_saved(self, request: Request) -> Response:
        [before] = [each for each in self.saved if each["id"] == int(request.path_params["id"])]
        if request.method == "DELETE":
            self.saved.remove(before)
            return Response(status_code=204)
        kept = before | await request.json() | {"version": before["version"] + 1}
        self._keep(kept)
        return JSONResponse(kept)

    async def _versions_of_saved(self, request: Request) -> Response:
        versions = [each for each in self.saved_versions if each["id"] == int(request.path_params["id"])]
        return JSONResponse({"versions": versions[::-1]})


def told(cell: Any) -> Any:
    if isinstance(cell, Decimal):
        return float(cell)
    return cell.isoformat() if isinstance(cell, datetime) else cell


def place_of(message: str) -> Json:
    """Return DuckDB's message with the position, from the line that it quotes."""
    text = message.split("\n\nLINE")[0]
    found = _PLACE.search(message)
    if found is None:
        return {"message": text, "line": None, "column": None}
    column = len(found[3]) - len(f"LINE {found[1]}: ") + 1
    return {"message": text, "line": int(found[1]), "column": column}


def _refused(fault: Json) -> Response:
    body = {"title": "Unprocessable", "status": 422, "detail": fault["message"], "errors": [fault]}
    return JSONResponse(body, 422, media_type="application/problem+json")
