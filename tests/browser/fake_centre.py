"""A centre that sends what a test gives it, over the outside contract: REST, websocket, pages.

It serves from its own thread, so that a test can push a change, go silent, cut every connection or restart (a new
epoch) while a browser is connected.
"""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from ioc.api.http.security_headers import HEADERS
from ioc.doctor import Finding
from ioc.messages import Message
from tests.browser import province
from tests.browser.province import Json
from tests.support.loopback import loopback

STEPS = {
    "10m": timedelta(minutes=10),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
    "14d": timedelta(days=14),
}
PAGES = Path(__file__).parents[2] / "ioc" / "api" / "static"


class KeptFiles(StaticFiles):
    """Static files whose name changes with their content; a browser may cache them."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        response = super().file_response(*arguments, **options)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


class FakeCentre:
    """A fake centre.

    `pages` is the folder of the built UI. `tiles` is the number of KPIs in the scene.
    """

    def __init__(self, *, tiles: int = 8, scenes: int = 1, pages: Path = PAGES) -> None:
        self.tiles = tiles
        self.scenes = scenes
        self.demonstration = True
        self.silent = False
        self.refusing = False
        self.epoch = "epoch-1"
        self.clock_ahead = timedelta()
        self.failing = False
        self.history_takes_s = 0.0
        self.restatements: list[Json] = []
        self.histories: dict[str, list[Json]] = {}
        self.connections: list[dict[str, str]] = []
        self.paths: list[str] = []
        self._seq = 100
        self.faults: list[Json] = []
        self.notices: list[Json] = []
        self.findings: list[Json] = [
            finding.shape()
            for finding in (
                Finding.of("snapshot", "snapshot_old", minutes=41, log="log/serve.log", reason=""),
                Finding.of("sources", "source_late", source="lgsp"),
                Finding.of("disk", "disk_roomy", percent=61.5),
            )
        ]
        self._state = province.full_state(self.now())
        self._deltas: dict[int, Json] = {}
        self._sockets: set[WebSocket] = set()
        self._served = self._app(pages)
        self._home = loopback()
        self.address = self._home.address

    def __enter__(self) -> Self:
        self._home.apps.append(self._served)
        self._home.run(self._begin())
        return self

    def __exit__(self, *_: object) -> None:
        self._home.apps.remove(self._served)
        self._home.run(self._end())

    def now(self) -> datetime:
        """Return the centre's own clock, which may be ahead of the wall's."""
        return datetime.now(UTC) + self.clock_ahead

    def value(self, kpi: str, value: float | None, unit: str = province.PROVINCE, **other: Any) -> None:
        """Push one KPI's new value."""
        self.push(kpis=[province.kpi_value(kpi, unit, value, self.now(), **other)])

    def push(self, *, skip: int = 0, **changes: Any) -> None:
        """Send a delta to all clients.

        `skip` loses that many sequence numbers, as a faulty network would.
        """
        keys: dict[str, Callable[[Json], Any]] = {
            "kpis": lambda row: (row["id"], row["unit"]),
            "sources": lambda row: row["source"],
            "alerts": lambda row: row["id"],
        }
        for part, rows in changes.items():
            if part == "ledger":
                self._state["ledger"] = rows
                continue
            held = {keys[part](row): row for row in self._state[part]} | {keys[part](row): row for row in rows}
            self._state[part] = [row for row in held.values() if not row.get("removed")]
        previous = self._seq + skip
        self._seq = previous + 1
        delta = {"type": "delta", "prev": previous, "seq": self._seq} | changes
        self._deltas[previous] = delta
        self._send_to_all(delta)

    def drop(self, *, refusing: bool = False) -> None:
        """Cut every connection; with `refusing`, also refuse reconnections."""
        self.refusing = refusing
        self._home.run(self._close_all())

    def end_identity(self, reason: str) -> None:
        """Close every connection as the centre does when its reader's session has ended, and refuse new ones."""
        self.refusing = True
        self._home.run(self._close_all(4401, reason))

    def restart(self, epoch: str) -> None:
        """Restart as a new process: another epoch and sequence, nothing to resume from."""
        self.epoch, self._seq, self._deltas = epoch, 0, {}
        self.drop()

    # The thread's side

    async def _begin(self) -> None:
        self._beating = asyncio.create_task(self._beat())

    async def _end(self) -> None:
        self._beating.cancel()
        await self._close_all()

    def _send_to_all(self, message: Json) -> None:
        self._home.run(self._broadcast(message))

    async def _broadcast(self, message: Json) -> None:
        for websocket in list(self._sockets):
            await websocket.send_text(json.dumps(message, ensure_ascii=False))

    async def _close_all(self, code: int = 1012, reason: str = "") -> None:
        for websocket in list(self._sockets):
            self._sockets.discard(websocket)
            await websocket.close(code, reason)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(1)
            if not self.silent:
                await self._broadcast({"type": "hb", "seq": self._seq, "server_time": province.rfc3339(self.now())})

    def _app(self, pages: Path) -> Starlette:
        async def page(_: Request) -> Response:
            return FileResponse(pages / "index.html", headers=HEADERS)

        async def centre(_: Request) -> Response:
            home = next(unit for unit in province.units() if unit["code"] == province.PROVINCE)
            named = {key: home[key] for key in ("code", "name", "short_name")}
            said = {
                "province": named,
                "zone": "Asia/Ho_Chi_Minh",
                "demonstration": self.demonstration,
                "version": "0.1.0",
            }
            return JSONResponse(said)

        async def units(_: Request) -> Response:
            return JSONResponse({"units": province.units()})

        async def definitions(_: Request) -> Response:
            self.paths.append("/api/v1/definitions")
            return self._or_refused(province.catalogue(), province.catalogue_json())

        async def display(request: Request) -> Response:
            if request.path_params["id"] != "main":
                return JSONResponse({"detail": "No such display."}, 404, media_type="application/problem+json")
            return JSONResponse(province.display(self.tiles, self.scenes))

        async def history(request: Request) -> Response:
            kpi, query = request.path_params["id"], request.query_params
            self.paths.append(request.url.path)
            start, end = (datetime.fromisoformat(query[key]) for key in ("from", "to"))
            if self.failing:
                return self._or_refused({})
            await asyncio.sleep(self.history_takes_s)
            figure = dict(zip(province.TILES, province.FIGURES, strict=True)).get(kpi, 1.0)
            points = self.histories.get(kpi) or province.history(figure, start, end, STEPS[query["step"]])
            return JSONResponse({"id": kpi, "unit": query["unit"], "step": query["step"], "points": points})

        async def kpis(request: Request) -> Response:
            query = request.query_params
            wanted = self._values(query.getlist("kpi"), query.getlist("unit"))
            return self._or_refused({"as_of": province.rfc3339(self.now()), "kpis": wanted})

        async def explain(request: Request) -> Response:
            kpi, unit = request.path_params["id"], request.query_params["unit"]
            [value] = self._values([kpi], [unit])
            restated = [row for row in self.restatements if (row["kpi"], row["unit"]) == (kpi, unit)]
            return self._or_refused(province.explained(value, self._state["sources"], restated))

        async def sources(_: Request) -> Response:
            return self._or_refused({"sources": self._state["sources"]})

        async def ledger(_: Request) -> Response:
            return self._or_refused(province.accounts(self._state["sources"]))

        async def status(_: Request) -> Response:
            return JSONResponse({"faults": self.faults, "notices": self.notices})

        async def doctor(_: Request) -> Response:
            return JSONResponse({"findings": self.findings})

        routes: list[Any] = [
            Route("/api/v1/status", status),
            Route("/api/v1/doctor", doctor),
            Route("/api/v1/kpis", kpis),
            Route("/api/v1/kpis/{id}/explain", explain),
            Route("/api/v1/sources", sources),
            Route("/api/v1/ledger", ledger),
            Route("/api/v1/centre", centre),
            Route("/api/v1/units", units),
            Route("/api/v1/definitions", definitions),
            Route("/api/v1/displays/{id}", display),
            Route("/api/v1/kpis/{id}/history", history),
            WebSocketRoute("/ws/v1", self._websocket),
            Mount("/assets", KeptFiles(directory=pages / "assets", check_dir=False)),
        ]
        pages_of_desk = ("/ops", "/catalog", "/catalog/{kpi}", "/sources", "/lab", "/explore", "/reports", "/open")
        routes += [Route(path, page) for path in ("/wall/{display}", *pages_of_desk)]
        return Starlette(routes=routes)

    def _or_refused(self, shape: Json, written: bytes | None = None) -> Response:
        if self.failing:
            message = Message("store_not_read", reason="busy")
            fault = {"field": "", "message": message, **message.shape()}
            problem = {"title": "Service Unavailable", "status": 503, "detail": message, "errors": [fault]}
            return JSONResponse(problem, 503, media_type="application/problem+json")
        return Response(written or orjson.dumps(shape), media_type="application/json")

    def _values(self, kpis: list[str], units: list[str]) -> list[Json]:
        """Return pushed values, and an invented value for every other requested KPI and unit."""
        now = self.now()
        pushed = {(row["id"], row["unit"]): row for row in self._state["kpis"]}
        rows = []
        for kpi in kpis or [each["id"] for each in province.definitions()]:
            for unit in province.units():
                told = province.level(unit) in province.definition_of(kpi)["per"]
                if told and (not units or unit["code"] in units):
                    key = (kpi, unit["code"])
                    rows.append(pushed.get(key) or province.invented(*key, now))
        return rows

    async def _websocket(self, websocket: WebSocket) -> None:
        if self.refusing:
            await websocket.close(1013)
            return
        await websocket.accept()
        query = dict(websocket.query_params)
        self.connections.append(query)
        hello = {"type": "hello", "version": 1, "epoch": self.epoch, "seq": self._seq}
        await websocket.send_text(json.dumps(hello | {"server_time": province.rfc3339(self.now())}))
        for message in self._first(query):
            await websocket.send_text(json.dumps(message, ensure_ascii=False))
        self._sockets.add(websocket)
        try:
            while True:
                await websocket.receive_text()
        except (WebSocketDisconnect, RuntimeError):
            self._sockets.discard(websocket)

    def _first(self, query: dict[str, str]) -> list[Json]:
        """Return the deltas that a resuming client missed, otherwise the full state."""
        if query.get("epoch") == self.epoch:
            seq, missed = int(query["seq"]), []
            while seq in self._deltas:
                missed.append(self._deltas[seq])
                seq = self._deltas[seq]["seq"]
            if seq == self._seq:
                return missed
        return [{"type": "snap", "seq": self._seq} | self._state]
