"""Serve the REST interfaces of the one-stop-shop and petition systems: pages of case versions since a moment."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from hashlib import blake2b

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ioc.clock import Clock, from_ms, to_ms
from ioc.demo.habits import FormerUnit, RepeatsRecords
from ioc.demo.places import World
from ioc.demo.systems import statistics
from ioc.demo.systems.case_book import DOSSIERS, PETITIONS, CaseBook
from ioc.demo.world.cases import CaseVersion

DOSSIERS_PATH = "/mot-cua/api/v1/ho-so"
PETITIONS_PATH = "/pakn/api/v1/phan-anh"
PAGE, MAX_PAGE = 200, 1000
# The systems' own codes.
STATUS_WORDS = {
    "received": "TIEP_NHAN",
    "processing": "DANG_XU_LY",
    "supplement": "YEU_CAU_BO_SUNG",
    "settled": "DA_TRA_KET_QUA",
    "returned": "TRA_LAI",
    "withdrawn": "CONG_DAN_RUT",
    "assigned": "PHAN_CONG",
    "more_asked": "YEU_CAU_BO_SUNG",
    "answered": "DA_TRA_LOI",
    "published": "DA_CONG_KHAI",
    "refused": "TU_CHOI",
}
CHANNEL_WORDS = {"online": "TRUC_TUYEN", "counter": "TRUC_TIEP", "post": "BUU_CHINH"}

Row = dict[str, object]
Handler = Callable[[Request], Awaitable[Response]]


def application(world: World, began_at_ms: int, clock: Clock) -> Starlette:
    """Return the application with all REST systems.

    `GET …?tu=<RFC 3339>&trang=1&so_dong=200` → `{"tong", "trang", "so_trang", "trang_sau", "du_lieu": […]}`, by
    `capNhatLuc` (petitions: `dongBoLuc`), from `tu` to now, both included; with ETag. 400 for an invalid value.
    """
    one_stop = CaseBook(world, DOSSIERS, began_at_ms)
    petitions = CaseBook(world, PETITIONS, began_at_ms)
    former, repeats = FormerUnit(), RepeatsRecords()

    def dossier_rows(versions: Sequence[CaseVersion]) -> list[Row]:
        rows = []
        for version in versions:
            rows.append(dossier_row(world, version))
            if former.again(world, version.unit, version.updated_ms):
                rows.append({**rows[-1], "maDonVi": former.code})
        return rows

    def petition_rows(versions: Sequence[CaseVersion]) -> list[Row]:
        return [petition_row(world, version) for version in versions]

    return Starlette(
        routes=[
            Route(
                DOSSIERS_PATH, _pages(one_stop, clock, began_at_ms, lambda asked_ms, _now_ms: asked_ms, dossier_rows)
            ),
            Route(PETITIONS_PATH, _pages(petitions, clock, began_at_ms, repeats.since_ms, petition_rows)),
            *statistics.routes(world, began_at_ms, clock),
        ]
    )


def _pages(
    book: CaseBook,
    clock: Clock,
    began_at_ms: int,
    since_ms: Callable[[int, int], int],
    rows_of: Callable[[Sequence[CaseVersion]], list[Row]],
) -> Handler:
    async def answer(request: Request) -> Response:
        asked = request.query_params
        try:
            asked_ms = to_ms(datetime.fromisoformat(asked["tu"])) if "tu" in asked else began_at_ms
            page, size = int(asked.get("trang", "1")), int(asked.get("so_dong", str(PAGE)))
            if page < 1 or not 1 <= size <= MAX_PAGE:
                raise ValueError(f"trang={page} so_dong={size}")
        except ValueError as fault:
            return Response(orjson.dumps({"loi": f"Tham số không hợp lệ: {fault}"}), 400, media_type="application/json")
        now_ms = to_ms(clock.now())
        versions, total = book.between(since_ms(asked_ms, now_ms), now_ms, (page - 1) * size, size)
        pages = -(-total // size)
        body = orjson.dumps(
            {
                "tong": total,
                "trang": page,
                "so_trang": pages,
                "trang_sau": page + 1 if page < pages else None,
                "du_lieu": rows_of(versions),
            }
        )
        etag = f'"{blake2b(body, digest_size=8).hexdigest()}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        return Response(body, headers={"ETag": etag}, media_type="application/json")

    return answer


def dossier_row(world: World, version: CaseVersion) -> Row:
    """Return a dossier in the words of the one-stop-shop system."""
    attributes = orjson.loads(version.attributes)
    return {
        "maHoSo": version.case_id,
        "maDonVi": world.units[version.unit],
        "maThuTuc": version.service,
        "trangThai": STATUS_WORDS[version.status],
        "kenhTiepNhan": CHANNEL_WORDS[version.channel],
        "ngayTiepNhan": _local(world, version.received_ms),
        "ngayHenTra": _local(world, version.due_ms),
        "ngayTra": _local(world, version.closed_ms),
        "capNhatLuc": _local(world, version.updated_ms),
        "mucDo": attributes["level"],
        "lePhi": attributes["fee"],
        "thanhToanTrucTuyen": attributes["paid_online"],
        "soHoa": attributes["digitised"],
        "phongBan": attributes["department"],
        "dongBo": attributes.get("synchronised", False),
        "ketQuaDienTu": attributes.get("result_electronic", False),
        "banSaoDienTu": attributes.get("e_copy"),
        "taiSuDung": attributes.get("reused", False),
        "chiaSe": attributes.get("shared", False),
        "xacThucDanCu": attributes.get("identity_checked", False),
        "dungDuLieuDanCu": attributes.get("population_used", False),
        "haiLong": attributes.get("satisfied"),
        "biPhanAnh": attributes.get("complained", False),
    }


def petition_row(world: World, version: CaseVersion) -> Row:
    """Return a petition in the words of the petition system."""
    attributes = orjson.loads(version.attributes)
    return {
        "maPhanAnh": version.case_id,
        "maDonVi": world.units[version.unit],
        "trangThai": STATUS_WORDS[version.status],
        "kenh": version.channel,
        "linhVuc": attributes["field"],
        "thoiDiemGui": _local(world, version.received_ms),
        "hanXuLy": _local(world, version.due_ms),
        "thoiDiemTraLoi": _local(world, version.closed_ms),
        "hanhDongLuc": _local(world, version.updated_ms),
        "dongBoLuc": _local(world, version.seen_ms),
        "haiLong": attributes.get("satisfied"),
        "ngayYeuCauBoSung": attributes.get("asked_in_days"),
    }


def _local(world: World, moment_ms: int | None) -> str | None:
    return None if moment_ms is None else from_ms(moment_ms).astimezone(world.zone).isoformat()
