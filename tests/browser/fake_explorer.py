"""The fake centre with the explorer's addresses: invented figures in the shapes of `/api/v1/explore`."""

import asyncio
import math
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ioc.explorer.covered_periods import covered_periods
from ioc.explorer.series_request import stretch
from ioc.messages import Message
from ioc.model.window import Window
from ioc.settings import VIETNAM
from tests.browser import province
from tests.browser.fake_centre import PAGES
from tests.browser.fake_desk import FakeDesk, problem
from tests.browser.province import Json

SCORES = [
    {"model": "MSTL", "mae": 1.24, "coverage": 0.81, "widening": 1.1},
    {"model": "AutoETS", "mae": 1.31, "coverage": 0.79, "widening": 1.2},
    {"model": "SeasonalNaive", "mae": 1.92, "coverage": 0.86, "widening": 1.0},
]


TOO_LITTLE = Message("forecast_few", have=12, of=Message("days"), need=56)


class FakeExplorer(FakeDesk):
    """A fake desk with an explorer.

    `problems` are error answers by address (series, parts, forecast, sql); `too_little` makes a forecast
    impossible; `asked` holds the requests as path and query.
    """

    def __init__(self, *, role: str = "analyst", pages: Path = PAGES) -> None:
        self.problems: dict[str, tuple[int, Message]] = {}
        self.too_little = False
        self.takes_s = 0.0
        self.asked: list[tuple[str, dict[str, str]]] = []
        super().__init__(role=role, pages=pages)

    def questions(self, what: str) -> list[dict[str, str]]:
        return [query for name, query in self.asked if name == what]

    def _app(self, pages: Path) -> Starlette:
        app = super()._app(pages)

        async def explore(request: Request) -> Response:
            what, kpi, query = request.path_params["what"], request.path_params["kpi"], dict(request.query_params)
            self.asked.append((what, query))
            await asyncio.sleep(self.takes_s)
            if what in self.problems:
                status, message = self.problems[what]
                return problem(status, str(message), "", message.code, dict(message.params))
            answer = {"series": self._series, "parts": self._parts, "forecast": self._forecast, "sql": self._sql}[what]
            return JSONResponse({"id": kpi, **answer(kpi, query), "snapshot": {"taken_at": _text(self.now())}})

        app.router.routes.insert(0, Route("/api/v1/explore/{kpi}/{what}", explore))
        return app

    def _series(self, kpi: str, query: dict[str, str]) -> Json:
        start, end = (datetime.fromisoformat(query[key]) for key in ("from", "to"))
        times = list(stretch(start, end, query["step"], VIETNAM).times)
        units = query["units"].split(",")
        if units == ["communes"]:
            units = [unit["code"] for unit in province.units() if province.level(unit) == "commune"]
        last_year = None
        if "compare" in query:
            before = [time - timedelta(days=365) for time in times]
            last_year = {"times": [_text(time) for time in before], "series": [_line(kpi, u, before) for u in units]}
        goals = province.definition_of(kpi)["targets"]
        spans = (
            [{"from": f"{end.year}-01-01T00:00:00Z", "to": f"{end.year + 1}-01-01T00:00:00Z", **goals[-1]}]
            if goals
            else []
        )
        return {
            "step": query["step"],
            "times": [_text(time) for time in times],
            "periods": [
                {"from": period.start and _text(period.start), "to": _text(period.end), "partial": period.partial}
                for period in covered_periods(Window.parse(province.definition_of(kpi)["window"]), times, VIETNAM)
            ],
            "series": [_line(kpi, unit, times) for unit in units],
            "last_year": last_year,
            "targets": spans,
        }

    def _parts(self, kpi: str, query: dict[str, str]) -> Json:
        standings = [
            {"time": query[key], "value": value, "samples": 812, "window": _window(kpi, query[key])}
            for key, value in (("from", 97.1), ("to", 95.6))
        ]
        shape = {"method": "ratio", "before": standings[0], "after": standings[1], "parts": []}
        expression = province.definition_of(kpi)["expression"]
        if expression["kind"] == "formula":
            parts = expression["parts"][:6]
            effects = [
                {"id": part, "before": 10.0 + n, "after": 12.0 - n, "effect": 1.5 - n} for n, part in enumerate(parts)
            ]
            return shape | {"method": "formula", "groupings": [], "parts": effects}
        keys = {
            "unit": [unit["code"] for unit in province.units() if province.level(unit) == "commune"][:12],
            "channel": ["online", "counter", ""],
            "service": ["1.004873", "2.000815", "1.001022"],
            "status": ["closed"],
        }
        return shape | {"groupings": [_grouping(by, names) for by, names in keys.items()]}

    def _forecast(self, kpi: str, query: dict[str, str]) -> Json:
        if self.too_little:
            return {
                "year": 2026,
                "reason": str(TOO_LITTLE),
                "reason_message": TOO_LITTLE.shape(),
                "path": [],
                "scores": [],
            }
        start = self.now().replace(hour=17, minute=0, second=0, microsecond=0)
        days = 38
        path = [
            {
                "time": _text(start + timedelta(days=n)),
                "value": 95.5,
                "low": 95.5 - math.sqrt(n) / 3,
                "high": 95.5 + math.sqrt(n) / 3,
            }
            for n in range(1, days + 1)
        ]
        return {
            "unit": query["unit"],
            "year": 2026,
            "reason": "",
            "step_days": 1,
            "season": 7,
            "history": 364,
            "origins": 8,
            "behaviour": "ratio",
            "scores": SCORES,
            "path": path,
            "target": {"year": 2026, "at_least": 98.0, "basis": ""},
            "chance": 0.004,
        }

    def _sql(self, kpi: str, query: dict[str, str]) -> Json:
        return {
            "sql": f'-- {kpi}\nSELECT "from", "to", unit, value, samples\nFROM kpi_1 -- {query["units"]}',
            "reads": "definition",
            "why": "",
            "time_column": "from",
        }


def _window(kpi: str, time: str) -> Json:
    window = Window.parse(province.definition_of(kpi)["window"])
    [period] = covered_periods(window, [datetime.fromisoformat(time)], VIETNAM)
    return {"from": _text(period.start or period.end), "to": _text(period.end)}


def _line(kpi: str, unit: str, times: list[datetime]) -> Json:
    seed = zlib.crc32(f"{kpi} {unit}".encode()) % 997
    values: list[float | None] = [
        round(95 + 2 * math.sin(time.timestamp() / 86400 / 9 + seed) + (seed % 7) / 3, 3) for time in times
    ]
    if len(values) > 12:
        values[5:8] = [None, None, None]
    return {
        "unit": unit,
        "values": values,
        "samples": [40 + seed % 60] * len(times),
        "restated": [9] if len(values) > 9 else [],
    }


def _grouping(by: str, keys: list[str]) -> Json:
    groups = []
    for n, key in enumerate(keys):
        rate, mix = -0.31 + n / 20, 0.04 - n / 100
        groups.append(
            {
                "key": key,
                "before": 97.0,
                "after": 96.0 - n,
                "share": [0.1, 0.1],
                "rate": rate,
                "mix": mix,
                "total": rate + mix,
            }
        )
    return {"by": by, "groups": groups, "rest": None}


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
