"""Serve the statistics systems of departments: pages of figures and of case versions since a moment.

`GET /thong-ke/{source}/so-lieu` and `/thong-ke/{source}/su-vu` with `?tu=<RFC 3339>&trang=1&so_dong=500` →
`{"tong", "trang", "trang_sau", "du_lieu": […]}` by `capNhatLuc`; 400 for an invalid value.
"""

from collections.abc import Callable
from datetime import datetime

import numpy as np
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ioc.clock import Clock, from_ms, to_ms
from ioc.demo.calendar import MS_A_DAY
from ioc.demo.places import World
from ioc.demo.systems.case_book import CaseBook, profiled
from ioc.demo.world import profiles
from ioc.demo.world.cases import CaseVersion
from ioc.demo.world.profile_files import Profile
from ioc.demo.world.profile_files import profiles as profile_files
from ioc.demo.world.readings import MEASURES, NO_SUBJECT, SUBJECTS

PAGE, MAX_PAGE = 500, 5000
KEPT_MS = 14 * MS_A_DAY
"""How far back a system returns figures."""

Row = dict[str, object]
Rows = Callable[[int, int], list[Row]]
"""Returns all rows from a moment to now (ms, both included), by the time they were sent."""


def readings_path(source: str) -> str:
    """Return the path of a system's figures."""
    return f"/thong-ke/{source}/so-lieu"


def cases_path(source: str) -> str:
    """Return the path of a system's cases."""
    return f"/thong-ke/{source}/su-vu"


def routes(world: World, began_at_ms: int, clock: Clock) -> list[Route]:
    """Return the routes of every profile of the kind `statistics`."""
    made = []
    for profile in profile_files():
        if profile.kind != "statistics":
            continue
        if profile.readings:
            made.append(Route(readings_path(profile.source), _answer(_figures(world, profile), began_at_ms, clock)))
        if profile.cases:
            rows = _case_rows(world, profile, began_at_ms)
            made.append(Route(cases_path(profile.source), _answer(rows, began_at_ms, clock)))
    return made


def _answer(rows_of: Rows, began_at_ms: int, clock: Clock) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        asked = request.query_params
        try:
            asked_ms = to_ms(datetime.fromisoformat(asked["tu"])) if "tu" in asked else began_at_ms
            page, size = int(asked.get("trang", "1")), int(asked.get("so_dong", str(PAGE)))
            if page < 1 or not 1 <= size <= MAX_PAGE:
                raise ValueError(f"trang={page} so_dong={size}")
        except ValueError as fault:
            return Response(orjson.dumps({"loi": f"Tham số không hợp lệ: {fault}"}), 400, media_type="application/json")
        now_ms = to_ms(clock.now())
        rows = rows_of(max(asked_ms, began_at_ms + 1, now_ms - KEPT_MS), now_ms)
        shown = rows[(page - 1) * size : page * size]
        body = {
            "tong": len(rows),
            "trang": page,
            "trang_sau": page + 1 if page * size < len(rows) else None,
            "du_lieu": shown,
        }
        return Response(orjson.dumps(body), media_type="application/json")

    return answer


def _figures(world: World, profile: Profile) -> Rows:
    def rows(from_ms_: int, now_ms: int) -> list[Row]:
        made, at_ms = profiles.sent(world, profile, from_ms_ - 1, now_ms)
        order = np.argsort(at_ms, kind="stable")
        columns = [column[order].tolist() for column in (*made.columns(), at_ms)]
        return [
            {
                "chiTieu": MEASURES[measure],
                "maDonVi": world.units[unit],
                "doiTuong": None if subject == NO_SUBJECT else SUBJECTS[subject],
                "thoiDiem": _local(world, time_ms),
                "giaTri": value,
                "capNhatLuc": _local(world, seen_ms),
            }
            for measure, unit, subject, time_ms, value, seen_ms in zip(*columns, strict=True)
        ]

    return rows


def _case_rows(world: World, profile: Profile, began_at_ms: int) -> Rows:
    books = [(case.case_type, CaseBook(world, profiled(case), began_at_ms)) for case in profile.cases]

    def rows(from_ms_: int, now_ms: int) -> list[Row]:
        found = [
            (version.seen_ms, case_type, version)
            for case_type, book in books
            for version in book.between(from_ms_, now_ms, 0, 1_000_000)[0]
        ]
        found.sort(key=lambda entry: entry[0])
        return [_case_row(world, case_type, version) for _, case_type, version in found]

    return rows


def _case_row(world: World, case_type: str, version: CaseVersion) -> Row:
    return {
        "loai": case_type,
        "ma": version.case_id,
        "maDonVi": world.units[version.unit],
        "trangThai": version.status,
        "kenh": version.channel or None,
        "dichVu": version.service or None,
        "tiepNhan": _local(world, version.received_ms),
        "hanXuLy": _local(world, version.due_ms),
        "ketThuc": _local(world, version.closed_ms),
        "capNhatLuc": _local(world, version.updated_ms),
        "thuocTinh": orjson.loads(version.attributes),
    }


def _local(world: World, moment_ms: int | None) -> str | None:
    return None if moment_ms is None else from_ms(moment_ms).astimezone(world.zone).isoformat()
