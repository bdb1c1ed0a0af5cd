"""Data of a centre of Huế, made from the real units and sector packs, for the browser tests."""

import math
import zlib
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import orjson

from ioc.api.schemas.definitions import definitions_shape
from tests.support.catalogs import hue

Json = dict[str, Any]

PROVINCE = "46"
TILES = (
    "dossier.on_time_rate",
    "dossier.overdue_now",
    "dossier.online_share",
    "document.electronic_share",
    "lgsp.rate",
    "petition.open",
    "air.pm25_mean_24h",
    "traffic.speed_mean",
    "lgsp.success_rate",
    "lgsp.latency_p95",
    "dossier.received_today",
    "traffic.flow",
)
FIGURES = (96.4, 212, 78.9, 97.2, 1284, 46, 31.4, 31, 99.41, 842, 1911, 12480)


def rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@cache
def units() -> list[Json]:
    rows: list[Json] = orjson.loads(orjson.dumps(list(hue().vocabulary.units.values())))
    return rows


@cache
def catalogue() -> Json:
    """Return sectors, KPIs, measures, case types and constants as `/api/v1/definitions` does, all of version v1."""
    shape: Json = orjson.loads(orjson.dumps(definitions_shape(hue())))
    for kpi in shape["kpis"]:
        kpi["version"] = "v1"
    return shape


@cache
def catalogue_json() -> bytes:
    return orjson.dumps(catalogue())


@cache
def definitions() -> list[Json]:
    kpis: list[Json] = catalogue()["kpis"]
    return kpis


@cache
def _by_id() -> dict[str, Json]:
    return {each["id"]: each for each in definitions()}


def definition_of(kpi: str) -> Json:
    return _by_id()[kpi]


def units_of(kpi: str) -> int:
    """Return the number of units below the province that have a value of the KPI."""
    return sum(level(unit) in definition_of(kpi)["per"] for unit in units() if unit["parent"])


def display(tiles: int, scenes: int = 1) -> Json:
    names = [
        ("overview", {"vi": "Tổng quan", "en": "Overview"}),
        ("services", {"vi": "Dịch vụ công", "en": "Services"}),
    ]
    listed = [{"id": scene, "name": name, "tiles": list(TILES[:tiles])} for scene, name in names[:scenes]]
    return {"id": "main", "scenes": listed, "height_mm": 2000, "distance_mm": 8000}


def kpi_value(kpi: str, unit: str, value: float | None, now: datetime, **other: Any) -> Json:
    """Return a live value with many samples, unless `other` says otherwise."""
    definition = definition_of(kpi)
    target = next((target for target in definition["targets"] if target["year"] == now.year), None)
    return {
        "id": kpi,
        "unit": unit,
        "value": value,
        "unit_of_measure": definition["unit_of_measure"],
        "as_of": rfc3339(now),
        "window": {"from": rfc3339(now - timedelta(hours=24)), "to": rfc3339(now)},
        "samples": 400,
        "min_samples": definition["min_samples"],
        "freshness": "live",
        "target": target,
        "definition_version": "v1",
    } | other


def level(unit: Json) -> str:
    if unit["parent"] == "":
        return "province"
    return "department" if unit["kind"] == "department" else "commune"


def invented(kpi: str, unit: str, now: datetime) -> Json:
    """Return an invented value that fits a percentage, always the same for one KPI and unit."""
    return kpi_value(kpi, unit, 60 + zlib.crc32(f"{kpi} {unit}".encode()) % 4000 / 100, now)


def explained(value: Json, sources: list[Json], restatements: list[Json]) -> Json:
    """Fed by the first source; half of its cases counted."""
    source = sources[0]
    feeder = {
        "source": source["source"],
        "name": source["name"],
        "feeds": "dossier",
        "kind": source["kind"],
        "rows": 48_210,
        "first_at": source["last_success"],
        "last_at": source["last_success"],
        "condition": source["condition"],
        "last_success": source["last_success"],
        "expected_every_s": 60.0,
        "behind": False,
    }
    settled = {"name": "settled", "samples": 400, "counted": 200}
    return {
        "value": value,
        "parts": [],
        "sources": [feeder],
        "cases": {"case_type": "dossier", "by_status": [settled], "by_service": [], "page": None, "next": None},
        "restatements": restatements,
    }


def restatement(kpi: str, now: datetime, before: float, after: float) -> Json:
    """Return a restatement of a day's value of the province, caused by late data."""
    published = rfc3339(now - timedelta(days=1))
    return {
        "kpi": kpi,
        "unit": PROVINCE,
        "period": "day",
        "window": {"from": rfc3339(now - timedelta(days=2)), "to": published},
        "before": {"value": before, "samples": 40, "definition_version": "v1", "at": published},
        "after": {"value": after, "samples": 44, "definition_version": "v1", "at": rfc3339(now)},
        "cause": {"kind": "data", "late_samples": 4, "batches": []},
    }


def accounts(sources: list[Json]) -> Json:
    """Return a balanced ledger in which every source had 11 records rejected."""
    rows = [
        {
            "source": row["source"],
            "received": row["received"],
            "applied": row["received"] - 11,
            "duplicate": 0,
            "rejected": {"unknown_unit": 3, "not_finite": 8},
            "in_flight": 0,
        }
        for row in sources
    ]
    return {"balanced": True, "faults": [], "coded_faults": [], "sources": rows, "partitions": [], "losses": []}


def source(name: str, vi: str, en: str, now: datetime, **other: Any) -> Json:
    return {
        "source": name,
        "kind": "http_poll",
        "name": {"vi": vi, "en": en},
        "condition": "live",
        "received": 1000,
        "rejected": 0,
        "duplicate": 0,
        "buffered": 0,
        "rate_per_s": 4.0,
        "lag_s": 2.0,
        "last_success": rfc3339(now),
        "expected_every_s": 60.0,
        "error": "",
        "error_code": "",
        "error_params": {},
        "error_nested": {},
        "reported_at": rfc3339(now),
    } | other


def alert(name: str, severity: int, unit: str, vi: str, en: str, since: datetime, **other: Any) -> Json:
    return {
        "id": name,
        "severity": severity,
        "kpi": "",
        "unit": unit,
        "name": {"vi": vi, "en": en},
        "since": rfc3339(since),
        "holder": "",
        "rule": name,
        "state": "firing",
        "handling": "unacknowledged",
        "suppression": [],
        "quiet": False,
    } | other


def ledger(received: int = 4_812_906, **other: Any) -> Json:
    base = {"balanced": True, "received": received, "duplicate": 20, "rejected": 1434, "in_flight": 0}
    return base | {"applied": received - 1454} | other


def full_state(now: datetime) -> Json:
    """Return a full state: each tile's value for the province, three KPIs per commune, four live sources, no alert."""
    codes = [unit["code"] for unit in units() if unit["code"] != PROVINCE]
    kpis = [kpi_value(kpi, PROVINCE, value, now) for kpi, value in zip(TILES, FIGURES, strict=True)]
    kpis += [kpi_value(kpi, code, 3 + i, now) for i, code in enumerate(codes) for kpi in TILES[:3]]
    sources = [
        source("dossiers", "Một cửa điện tử", "One-stop shop", now),
        source("air", "Quan trắc khí", "Air quality", now),
        source("cameras", "Camera giao thông", "Traffic cameras", now),
        source("demo-push", "Đẩy thử", "Demo push", now),
    ]
    return {"kpis": kpis, "sources": sources, "alerts": [], "ledger": ledger()}


def history(figure: float, start: datetime, end: datetime, step: timedelta) -> list[Json]:
    """Return a day of points that ends near `figure`; the shape depends on the figure."""
    count = int((end - start) / step)
    turn = figure % 7
    return [
        {
            "time": rfc3339(start + i * step),
            "value": round(
                figure * (1 + 0.03 * math.sin((count - i) / (4 + turn)) + 0.006 * math.sin(i * (1.3 + turn))), 3
            ),
            "samples": 20,
        }
        for i in range(count)
    ]
