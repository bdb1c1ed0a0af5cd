"""What each address answers."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from ioc.catalog import CatalogInvalid, DefinitionFault
from ioc.messages import Message
from ioc.model.fault import Fault
from ioc.model.kpi import Target
from ioc.model.ledger import Loss
from ioc.model.source import error_fields
from tests.support.fake_centre import ADMIN, NOW, FakeParts, kpi_value, ledger, source_state

AS_ADMIN = {"Authorization": f"Bearer {ADMIN}"}
HISTORY = "/api/v1/kpis/dossier.overdue_now/history"


async def test_kpi_value_as_in_the_contract(client: httpx.AsyncClient, parts: FakeParts) -> None:
    parts.kpis.present = [kpi_value(target=Target(2026, at_most=100, basis="QĐ"))]
    assert (await client.get("/api/v1/kpis")).json() == {
        "as_of": "2026-11-22T01:00:00.000Z",
        "kpis": [
            {
                "id": "dossier.overdue_now",
                "unit": "46",
                "value": 12.0,
                "unit_of_measure": "hồ sơ",
                "as_of": "2026-11-22T01:00:00.000Z",
                "window": {"from": "2026-11-22T00:00:00.000Z", "to": "2026-11-22T01:00:00.000Z"},
                "samples": 30,
                "min_samples": 1,
                "freshness": "live",
                "target": {"year": 2026, "at_most": 100, "basis": "QĐ"},
                "definition_version": "v1",
            }
        ],
    }


@pytest.mark.parametrize(
    "value", [pytest.param(None, id="no data"), pytest.param(float("nan"), id="not a number never reaches JSON")]
)
async def test_no_data_is_null_and_never_zero(client: httpx.AsyncClient, parts: FakeParts, value: float | None) -> None:
    parts.kpis.present = [kpi_value(value=value)]
    shown = (await client.get("/api/v1/kpis")).json()["kpis"][0]
    assert shown["value"] is None


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        pytest.param("", {"dossier.overdue_now 46", "dossier.overdue_now 19753", "lgsp.rate 46"}, id="all"),
        pytest.param("?kpi=lgsp.rate", {"lgsp.rate 46"}, id="by KPI"),
        pytest.param("?unit=46", {"dossier.overdue_now 46", "lgsp.rate 46"}, id="by unit"),
        pytest.param("?sector=integration", {"lgsp.rate 46"}, id="by sector"),
        pytest.param(
            "?kpi=lgsp.rate&kpi=dossier.overdue_now&unit=46",
            {"dossier.overdue_now 46", "lgsp.rate 46"},
            id="two KPIs, one unit",
        ),
        pytest.param("?sector=integration&kpi=dossier.overdue_now", set(), id="filters are joined by and"),
    ],
)
async def test_filters_of_kpis(client: httpx.AsyncClient, parts: FakeParts, query: str, shown: set[str]) -> None:
    parts.kpis.present = [kpi_value(), kpi_value(unit="19753"), kpi_value("lgsp.rate"), kpi_value("gone.after_reload")]
    answer = (await client.get(f"/api/v1/kpis{query}")).json()
    assert {f"{row['id']} {row['unit']}" for row in answer["kpis"]} == shown


@pytest.mark.parametrize(
    ("query", "field"),
    [
        pytest.param("?kpi=no.such", "kpi", id="unknown KPI"),
        pytest.param("?unit=99999", "unit", id="unknown unit"),
        pytest.param("?sector=weather", "sector", id="unknown sector"),
    ],
)
async def test_a_filter_for_what_is_not_there_is_refused(client: httpx.AsyncClient, query: str, field: str) -> None:
    answer = await client.get(f"/api/v1/kpis{query}")
    assert answer.status_code == 400
    assert [row["field"] for row in answer.json()["errors"]] == [field]


async def test_history_as_json(client: httpx.AsyncClient, parts: FakeParts) -> None:
    parts.kpis.points = [(NOW - timedelta(minutes=30), 3.5, 7), (NOW, None, 0)]
    answer = await client.get(f"{HISTORY}?unit=19753&from=2026-11-22T07:00:00%2B07:00&to=2026-11-22T01:30:00Z&step=30m")
    assert answer.json() == {
        "id": "dossier.overdue_now",
        "unit": "19753",
        "step": "30m",
        "points": [
            {"time": "2026-11-22T00:30:00.000Z", "value": 3.5, "samples": 7},
            {"time": "2026-11-22T01:00:00.000Z", "value": None, "samples": 0},
        ],
    }
    begins, ends = datetime(2026, 11, 22, 0, 0, tzinfo=UTC), datetime(2026, 11, 22, 1, 30, tzinfo=UTC)
    assert parts.kpis.asked == [("dossier.overdue_now", "19753", begins, ends, timedelta(minutes=30))]


async def test_history_without_bounds_is_the_provinces_last_day(client: httpx.AsyncClient, parts: FakeParts) -> None:
    assert (await client.get(HISTORY)).status_code == 200
    assert parts.kpis.asked == [("dossier.overdue_now", "46", NOW - timedelta(days=1), NOW, timedelta(minutes=30))]


@pytest.mark.parametrize("points", [[], [(NOW, 3.5, 7), (NOW + timedelta(minutes=30), None, 0)]], ids=["none", "two"])
async def test_history_as_tables(
    client: httpx.AsyncClient, parts: FakeParts, points: list[tuple[datetime, float | None, int]]
) -> None:
    parts.kpis.points = points
    expected = [{"time": time, "value": value, "samples": samples} for time, value, samples in points]
    arrow = await client.get(f"{HISTORY}?format=arrow")
    with pa.ipc.open_stream(arrow.content) as stream:
        table = stream.read_all()
    assert table.to_pylist() == expected
    assert table.schema.metadata[b"kpi"] == b"dossier.overdue_now"
    parquet = await client.get(f"{HISTORY}?format=parquet")
    assert pa.parquet.read_table(io.BytesIO(parquet.content)).to_pylist() == expected
    text = (await client.get(f"{HISTORY}?format=csv")).text.splitlines()
    assert text[0] == '"time","value","samples"'
    assert text[1:] == ['"2026-11-22T01:00:00.000Z",3.5,7', '"2026-11-22T01:30:00.000Z",,0'][: len(points)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        pytest.param("step=0m", "step", id="step of nothing"),
        pytest.param("step=-5m", "step", id="negative step"),
        pytest.param("step=30", "step", id="step without unit"),
        pytest.param("step=1w", "step", id="step in weeks"),
        pytest.param("step=", "step", id="empty step"),
        pytest.param("step=9999999999999999d", "step", id="step beyond all bounds"),
        pytest.param("from=yesterday", "from", id="no time"),
        pytest.param("from=2026-11-22T08:00:00", "from", id="no zone"),
        pytest.param("to=2026-13-01T00:00:00Z", "to", id="thirteenth month"),
        pytest.param("to=0001-01-01T00:00:00%2B07:00", "to", id="before the first year"),
        pytest.param("from=2026-11-22T02:00:00Z&to=2026-11-22T01:00:00Z", "from", id="end before begin"),
        pytest.param("from=2026-11-22T01:00:00Z&to=2026-11-22T01:00:00Z", "from", id="nothing between"),
        pytest.param("from=2020-01-01T00:00:00Z&step=1m", "step", id="millions of points"),
        pytest.param("unit=99999", "unit", id="unknown unit"),
    ],
)
async def test_history_refuses(client: httpx.AsyncClient, parts: FakeParts, query: str, field: str) -> None:
    answer = await client.get(f"{HISTORY}?{query}")
    assert answer.status_code == 400
    assert [row["field"] for row in answer.json()["errors"]] == [field]
    assert not parts.kpis.asked


@pytest.mark.parametrize(
    ("minutes", "status"),
    [pytest.param(10_000, 200, id="just as many points"), pytest.param(10_001, 400, id="one more")],
)
async def test_bound_on_points(client: httpx.AsyncClient, minutes: int, status: int) -> None:
    begins = (NOW - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
    assert (await client.get(f"{HISTORY}?from={begins}&step=1m")).status_code == status


async def test_a_plus_that_was_not_escaped_is_understood(client: httpx.AsyncClient, parts: FakeParts) -> None:
    assert (await client.get(f"{HISTORY}?from=2026-11-22T07:00:00+07:00")).status_code == 200
    assert parts.kpis.asked[0][2] == datetime(2026, 11, 22, tzinfo=UTC)


async def test_centre_and_units(client: httpx.AsyncClient) -> None:
    whose = (await client.get("/api/v1/centre")).json()
    assert whose["province"] == {"code": "46", "name": "Thành phố Huế", "short_name": "Huế"}
    assert (whose["zone"], whose["demonstration"]) == ("Asia/Ho_Chi_Minh", True)
    units = (await client.get("/api/v1/units")).json()["units"]
    assert units[0]["code"] == "46"
    assert {unit["parent"] for unit in units[1:]} == {"46"}


async def test_definitions(client: httpx.AsyncClient, parts: FakeParts) -> None:
    shown = (await client.get("/api/v1/definitions")).json()
    assert [row["order"] for row in shown["sectors"]] == sorted(row["order"] for row in shown["sectors"])
    kpi = next(row for row in shown["kpis"] if row["id"] == "air.pm25_mean_24h")
    assert kpi["window"] == "24h"
    assert kpi["fresh_within_s"] == 5400
    assert {target["year"]: target["at_most"] for target in kpi["targets"]}[2026] == 45
    assert kpi["min_samples"] == 18
    assert kpi["expression"] == {"kind": "aggregate", "measure": "air.pm25", "take": "mean"}
    overdue = next(row for row in shown["kpis"] if row["id"] == "dossier.overdue_now")
    assert overdue["expression"] == {
        "kind": "count",
        "of": "dossier",
        "where": "closed_at is null and deadline_at < now",
    }
    assert (overdue["unit_of_measure"], overdue["unit_of_measure_en"]) == ("hồ sơ", "dossiers")
    assert {row["id"] for row in shown["case_types"]} == set(parts.catalog.vocabulary.case_types)
    assert {row["id"] for row in shown["kpis"]} == set(parts.catalog.kpis)
    assert {row["id"] for row in shown["measures"]} == set(parts.catalog.vocabulary.measures)


async def test_display(client: httpx.AsyncClient, parts: FakeParts) -> None:
    shown = (await client.get("/api/v1/displays/main")).json()
    assert shown["id"] == "main"
    assert shown["height_mm"] > 0
    assert set(shown["scenes"][0]["tiles"]) <= set(parts.catalog.kpis)
    assert (await client.get("/api/v1/displays/none")).status_code == 404


async def test_sources_in_order_of_their_names(client: httpx.AsyncClient, parts: FakeParts) -> None:
    parts.states = [source_state("b"), source_state("a", lag_s=None, last_success=None)]
    first, second = (await client.get("/api/v1/sources")).json()["sources"]
    assert (first["source"], second["source"]) == ("a", "b")
    assert first["last_success"] is None
    assert second["condition"] == "live"
    assert second["last_success"] == "2026-11-22T01:00:00.000Z"


async def test_the_error_of_a_source_has_code_and_parameters(client: httpx.AsyncClient, parts: FakeParts) -> None:
    error = Message("opening_failed", reason=Message("kafka_away", reason="refused"))
    parts.states = [source_state("a", **error_fields(error)), source_state("b", error="It fails.")]
    coded, uncoded = (await client.get("/api/v1/sources")).json()["sources"]
    assert coded["error"] == error
    assert {name: coded[f"error_{name}"] for name in ("code", "params", "nested")} == error.shape()
    assert (uncoded["error"], uncoded["error_code"], uncoded["error_params"]) == ("It fails.", "", {})


async def test_ledger(client: httpx.AsyncClient) -> None:
    shown = (await client.get("/api/v1/ledger")).json()
    assert shown["balanced"] is True
    assert shown["sources"] == [
        {
            "source": "demo-push",
            "received": 10,
            "applied": 6,
            "duplicate": 2,
            "rejected": {"not_finite": 1},
            "in_flight": 1,
            "fenced_records": 0,
        }
    ]
    assert shown["partitions"][0]["gaps"] == [{"from": 41, "to": 42}]


LOST = "The rows in the store do not match the ledger: Offsets 5 to 8 are lost."


async def test_a_ledger_that_does_not_balance_says_why(client: httpx.AsyncClient, parts: FakeParts) -> None:
    found = datetime(2026, 11, 22, tzinfo=UTC)
    lost = Loss("ioc.cases.v1", 1, 5, 9, "expired", found)
    parts.ledger = replace(ledger("Offsets 5 to 8 are lost."), losses=(lost,))
    shown = (await client.get("/api/v1/ledger")).json()
    assert (shown["balanced"], shown["faults"]) == (False, [LOST])
    assert [(fault["code"], fault["detail"]) for fault in shown["coded_faults"]] == [("rows_miscounted", LOST)]
    assert shown["losses"] == [
        {
            "topic": "ioc.cases.v1",
            "partition": 1,
            "offsets": {"from": 5, "to": 9},
            "why": "expired",
            "found_at": "2026-11-22T00:00:00.000Z",
        }
    ]


async def test_alerts_are_none_yet(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/api/v1/alerts")).json()
    assert (answer["alerts"], answer["data"]) == ([], {"alerts": []})


async def test_reload_names_each_fault(client: httpx.AsyncClient, parts: FakeParts) -> None:
    window = "window 'w' is none."
    parts.reload_fault = CatalogInvalid(
        [
            DefinitionFault("a.toml", "x.y", "window", Message.of(window)),
            DefinitionFault("b.toml", "", "", Message.of("Bad.")),
        ]
    )
    answer = await client.post("/api/v1/catalog/reload", headers=AS_ADMIN)
    assert answer.status_code == 422
    assert [(error["field"], error["message"]) for error in answer.json()["errors"]] == [
        ("a.toml: x.y: window", "window 'w' is none."),
        ("b.toml", "Bad."),
    ]


async def test_ready_while_all_parts_work_also_without_a_live_value(
    client: httpx.AsyncClient, parts: FakeParts
) -> None:
    parts.starting = Fault.of("starting", NOW, step="the first evaluation")
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, "starting")
    assert (await client.get("/healthz")).status_code == 200
    parts.starting, parts.kpis.present = None, [kpi_value(value=None)]
    assert (await client.get("/readyz")).status_code == 200
    failed = Fault.of("thread_failed", NOW, thread="push-sources", reason="NetworkSelector closed!")
    away = Fault.of("broker_away", NOW, thread="source-watch", reason="NoBrokersAvailable")
    parts.faults = (failed, away)
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["detail"]) == (503, failed.detail)
    assert answer.json()["errors"][0] == {
        "field": "",
        "message": failed.detail,
        "code": "thread_failed",
        "params": {"thread": "push-sources", "reason": "NetworkSelector closed!"},
        "since": "2026-11-22T01:00:00.000Z",
    }
    assert [error["code"] for error in answer.json()["errors"]] == ["thread_failed", "broker_away"]


async def test_metrics(client: httpx.AsyncClient) -> None:
    await client.get("/api/v1/kpis/dossier.overdue_now/history")
    await client.request("BREW", "/healthz")
    text = (await client.get("/metrics")).text
    assert 'ioc_records_total{fate="received",source="demo-push"} 10.0' in text
    assert 'ioc_records_rejected_total{reason="not_finite",source="demo-push"} 1.0' in text
    assert 'ioc_partition_lag{partition="0",topic="ioc.readings.v1"} 3.0' in text
    assert "ioc_websocket_clients 0.0" in text
    assert 'ioc_http_answers_total{method="GET",route="/api/v1/kpis/{kpi}/history",status="200"} 1.0' in text
    assert "BREW" not in text
