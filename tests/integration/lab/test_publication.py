"""Publications: identical to a full rebuild, without private data, explained; the ready-made questions return rows."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unicodedata import normalize

import duckdb
import httpx
import pytest
import pytest_asyncio

from ioc.api.auth.forwarded import signed_headers
from ioc.clock import FixedClock
from ioc.lab.app import create_lab_app
from ioc.lab.context import LabContext
from ioc.lab.dictionary import views
from ioc.lab.job_process import JobProcess
from ioc.lab.publishing.publish import Publication, publish
from ioc.lab.sql_service import SqlService
from ioc.settings import VIETNAM, Settings
from ioc.store import Store
from ioc.store.snapshot import current
from tests.support.checked_answers import CheckedTransport
from tests.support.filled_lab import NOW, SECRET, published, snapped

CHANGES = """
INSERT INTO kept_day_panes VALUES (1, 2, 1, 20770, 5, 50, 500, 10, 10, 1, 10, 2, 10),
    (2, 1, 0, 20776, 7, 7, 7, 1, 1, 1, 1, 2, 1);
INSERT INTO kept_hour_panes VALUES (1, 2, 1, 498480, 5, 50, 500, 10, 10, 1, 10, 2, 10),
    (2, 1, 0, 498620, 7, 7, 7, 1, 1, 1, 1, 2, 1);
INSERT INTO kept_minute_panes VALUES (2, 1, 0, 29917000, 7, 7, 7, 1, 1, 1, 1, 2, 1);
INSERT INTO case_changes SELECT * REPLACE ('returned' AS status, updated_at + INTERVAL 1 HOUR AS updated_at,
    TIMESTAMP '2026-11-20 05:30' AS applied_at) FROM case_changes
    WHERE case_id LIKE '19753-1_-0' AND closed_at IS NOT NULL;
UPDATE cases SET status = 'returned' WHERE case_id LIKE '19753-1_-0';
INSERT INTO kpi_values SELECT kpi, unit, TIMESTAMP '2026-11-20 05:00', as_of, 77, samples, freshness, definition_version
    FROM kpi_values LIMIT 5;
DELETE FROM kpi_values WHERE evaluated_at < TIMESTAMP '2026-11-08' AND hour(evaluated_at) % 2 = 1;
UPDATE published_periods SET value = 61, published_at = TIMESTAMP '2026-11-20 05:01' WHERE unit = '46';
"""  # fmt: skip


def rows_of(publication: Publication) -> dict[str, list[Any]]:
    with duckdb.connect(str(publication.path), read_only=True) as connection:
        names = [view.name for view in views()]
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in names}


def test_bit_by_bit_is_the_same_as_anew(tmp_path: Path) -> None:
    settings, _, first = published(tmp_path, days=20)
    before = rows_of(first)
    store = Store.open(settings.store_path, settings.archive_dir, zone=VIETNAM)
    with store.cursor() as cursor:
        cursor.execute(CHANGES)
    store.close()
    second = snapped(settings, NOW + timedelta(minutes=5))
    by_bits = rows_of(publish(second, settings))
    elsewhere = replace(settings, data_dir=tmp_path / "anew")
    anew = rows_of(publish(second, elsewhere))
    assert by_bits == anew
    changed = {name for name in before if before[name] != anew[name]}
    assert changed >= {
        "readings_day",
        "readings_hour",
        "readings_minute",
        "cases",
        "case_changes",
        "kpi_values",
        "kpi_periods",
    }


def test_what_is_private_is_not_in_the_file_at_all(tmp_path: Path) -> None:
    _, snapshot, publication = published(tmp_path, days=5)
    assert SECRET.encode() in snapshot.path.read_bytes()
    for file in publication.folder.parent.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes()


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    published(folder, days=90)
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(data_dir: Path) -> AsyncIterator[httpx.AsyncClient]:
    settings, clock = Settings(data_dir=data_dir), FixedClock(NOW + timedelta(minutes=2))
    parts = LabContext(
        settings, clock, lambda: current(settings.snapshots_dir), JobProcess(), asking=SqlService.of(settings, clock)
    )
    app = create_lab_app(parts)
    headers = signed_headers(settings.lab_key(), "an", ["ask_sql", "look"])
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=CheckedTransport(app), base_url="http://lab", headers=headers, timeout=60) as one,
    ):
        yield one


@pytest.mark.asyncio(loop_scope="module")
async def test_the_ready_questions_give_rows_that_their_charts_can_show(client: httpx.AsyncClient) -> None:
    for one in (await client.get("/api/v1/lab/questions")).json()["questions"]:
        answer = await client.post("/api/v1/sql", json={"sql": one["sql"], "parameters": one["parameters"]})
        assert answer.status_code == 200, (one["id"], answer.text)
        told = answer.json()
        expected = 0 if one["id"] == "kpi-now" else 1
        assert told["row_count"] >= expected, one["id"]
        if chart := one["chart"]:
            names = {column["name"] for column in told["columns"]}
            assert {chart["x"], *chart["y"], chart["by"]} - {""} <= names, one["id"]


@pytest.mark.asyncio(loop_scope="module")
async def test_describe_and_the_dictionary_say_what_columns_mean(client: httpx.AsyncClient) -> None:
    told = (await client.get("/api/v1/lab/dictionary")).json()
    for view in told["views"]:
        assert view["comment"]["vi"]
        assert view["comment"]["en"]
        assert all(column["type"] and column["comment"]["vi"] and column["comment"]["en"] for column in view["columns"])
        described = (await client.post("/api/v1/sql", json={"sql": f"DESCRIBE {view['name']}"})).json()
        assert [row[0] for row in described["rows"]] == [column["name"] for column in view["columns"]]
        assert [row[2] for row in described["rows"]] == [column["comment"]["vi"] for column in view["columns"]]


@pytest.mark.parametrize(
    ("body", "status", "says", "place"),
    [
        pytest.param({"sql": "SELECT\n  nope FROM cases"}, 422, 'column "nope" not found', (2, 3), id="column"),
        pytest.param({"sql": "SELEC 1"}, 422, 'syntax error at or near "SELEC"', (1, 1), id="syntax"),
        pytest.param({"sql": "SELECT 'Huế',\n x FROM units"}, 422, 'column "x"', (2, 2), id="place in characters"),
        pytest.param({"sql": "SELECT 1;\nSELECT 2"}, 422, "2 statements", (2, 1), id="several"),
        pytest.param({"sql": "  DELETE FROM cases"}, 422, "DELETE is not a query", (1, 3), id="no query"),
        pytest.param({"sql": "-- nothing"}, 422, "no SQL", (1, 1), id="empty"),
        pytest.param({"sql": "SELECT $unit"}, 422, "asks for $unit, but no value is given", (None, None), id="missing"),
        pytest.param(
            {"sql": "SELECT 1", "parameters": {"unti": "x"}}, 422, "not ask for $unti", (None, None), id="not asked for"
        ),
        pytest.param(
            {"sql": "SELECT $from", "parameters": {"from": "2026-02-30"}}, 422, "an existing day", (None, None),
            id="no such day",
        ),
    ],
)  # fmt: skip
@pytest.mark.asyncio(loop_scope="module")
async def test_bad_input_is_one_sentence_and_a_place(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, says: str, place: tuple[int | None, int | None]
) -> None:
    answer = await client.post("/api/v1/sql", json=body)
    assert answer.status_code == status
    assert says in answer.json()["detail"]
    fault = answer.json()["errors"][0]
    assert (fault["line"], fault["column"]) == place


@pytest.mark.asyncio(loop_scope="module")
async def test_values_come_as_json_knows_them_and_limits_are_told(client: httpx.AsyncClient) -> None:
    sql = (
        "SELECT time, sum(n) AS n, max(mean) AS mean, NULL AS nothing, MAP {'a': 'b'} AS pairs, [1, 2] AS list, "
        "9007199254740993 AS large FROM readings_day WHERE time >= $from AND unit = $unit GROUP BY time ORDER BY time"
    )
    values = {"from": "2026-11-19T00:00:00+07:00", "unit": "19753"}
    told = (await client.post("/api/v1/sql", json={"sql": sql, "parameters": values, "limit": 1})).json()
    assert told["rows"][0][0] == "2026-11-19T00:00:00"
    assert told["rows"][0][3:] == [None, {"a": "b"}, [1, 2], "9007199254740993"]
    assert told["truncated"] is True
    assert told["row_count"] == 1
    state = (await client.get("/api/v1/lab")).json()
    assert state["snapshot"]["age_s"] == 120
    assert state["limits"]["rows"] == 1_000_000


@pytest.mark.asyncio(loop_scope="module")
async def test_saved_queries_have_versions_owners_and_are_shared(client: httpx.AsyncClient, data_dir: Path) -> None:
    body = {"name": "Của tôi", "sql": "SELECT 1", "tags": ["thử"], "chart": {"kind": "bar"}}
    saved = (await client.post("/api/v1/lab/saved", json=body)).json()
    other = signed_headers(Settings(data_dir=data_dir).lab_key(), "other", ["ask_sql"])
    at = f"/api/v1/lab/saved/{saved['id']}"
    assert (await client.get(at, headers=other)).status_code == 404
    changed = (await client.put(at, json=body | {"sql": "SELECT 2", "shared": True})).json()
    assert (changed["version"], changed["chart"]) == (2, {"kind": "bar"})
    assert (await client.get(at, headers=other)).json()["sql"] == "SELECT 2"
    assert (await client.put(at, json=body, headers=other)).status_code == 403
    assert (await client.delete(at, headers=other)).status_code == 403
    versions = (await client.get(f"{at}/versions")).json()["versions"]
    assert [(one["version"], one["sql"]) for one in versions] == [(2, "SELECT 2"), (1, "SELECT 1")]
    assert (await client.delete(at)).status_code == 204
    assert (await client.get(at)).status_code == 404
    assert (await client.put(at, json=body, headers=other)).status_code == 404
    assert (await client.put(at, json=body | {"shared": True})).json()["version"] == 3
    assert (await client.get(at, headers=other)).json()["name"] == "Của tôi"


@pytest.mark.asyncio(loop_scope="module")
async def test_what_cannot_be_bound_is_refused_at_once_and_the_next_question_runs(client: httpx.AsyncClient) -> None:
    for body, says in (
        (
            '{"sql": "SELECT $x", "parameters": {"x": 12345678901234567890123}}',
            "12345678901234567890123 is beyond 64 bits",
        ),
        (
            '{"sql": "SELECT $x", "parameters": {"x": 9223372036854775808}}',
            "$x = 9223372036854775808 is beyond 64 bits",
        ),
        ('{"sql": "SELECT $x", "parameters": {"x": [[1e999]]}}', "number is infinity"),
        ('{"sql": "SELECT 1", "parameters": {"x": "\\ud800"}}', "surrogate"),
    ):
        for path in ("/api/v1/sql", "/api/v1/lab/queries", "/api/v1/lab/saved"):
            sent = body[:-1] + ', "name": "x"}'
            answer = await client.post(path, content=sent, headers={"content-type": "application/json"})
            assert (answer.status_code, says in answer.json()["detail"]) == (422, True), (path, answer.text)
    assert (await client.post("/api/v1/sql", json={"sql": "SELECT 1 AS n"})).json()["rows"] == [[1]]


@pytest.mark.parametrize("number", ["99999999999999999999", "9223372036854775808", "0", "-1"])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_number_that_no_saved_query_has_is_not_there(client: httpx.AsyncClient, number: str) -> None:
    for path in (f"/api/v1/lab/saved/{number}", f"/api/v1/lab/saved/{number}/versions"):
        assert (await client.get(path)).status_code == 404
    assert (await client.delete(f"/api/v1/lab/saved/{number}")).status_code == 404
    assert (await client.get("/api/v1/lab/history")).status_code == 200


@pytest.mark.parametrize("name", ["", "   ", "\t"])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_name_of_blanks_is_no_name(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.post("/api/v1/lab/saved", json={"name": name, "sql": "SELECT 1"})).status_code == 422


@pytest.mark.asyncio(loop_scope="module")
async def test_names_are_found_however_they_are_typed_and_stand_in_vietnamese_order(client: httpx.AsyncClient) -> None:
    async def first(sql: str, **parameters: str) -> list[Any]:
        answer = await client.post("/api/v1/sql", json={"sql": sql, "parameters": parameters})
        assert answer.status_code == 200, answer.text
        return [row[0] for row in answer.json()["rows"]]

    [name, *_] = await first("SELECT name FROM units WHERE name LIKE '%Thuận Hóa%'")
    decomposed = normalize("NFD", name)
    assert decomposed != name
    assert await first("SELECT name FROM units WHERE name = $name", name=decomposed) == [name]
    assert await first(f"SELECT name FROM units WHERE name = '{decomposed}'") == [name]
    assert await first("SELECT name FROM units WHERE khong_dau(name) LIKE '%thuan hoa%'") == [name]
    assert await first("SELECT khong_dau('Đặng ĐỖ')") == ["dang do"]
    names = await first("SELECT short_name FROM units WHERE level = 'commune' ORDER BY short_name")
    first_letters = [name[0] for name in names]
    assert first_letters == sorted(first_letters, key="AĂÂBCDĐEÊGHIKLMNOÔƠPQRSTUƯVXY".index)
    assert "Đ" in first_letters
    sample = "SELECT x FROM (VALUES ('Vinh'), ('Đông'), ('Dương'), ('Ân'), ('An'), ('Ăn')) t(x) ORDER BY x COLLATE vi"
    assert await first(sample) == ["An", "Ăn", "Ân", "Dương", "Đông", "Vinh"]


async def until_ended(client: httpx.AsyncClient, at: str) -> None:
    async with asyncio.timeout(60):
        while (await client.get(at)).json()["state"] not in ("done", "failed"):  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(0.05)


@pytest.mark.asyncio(loop_scope="module")
async def test_an_answer_is_whole_or_an_error(client: httpx.AsyncClient) -> None:
    sql = (
        "SELECT coalesce(closed_at, TIMESTAMP 'infinity') AS t, DATE '20000-01-01' AS d, closed_at - received_at AS x "
        "FROM cases WHERE closed_at IS NULL LIMIT 1"
    )
    answer = await client.post("/api/v1/sql", json={"sql": sql})
    assert answer.json()["rows"] == [["infinity", "+20000-01-01", None]]
    query = (await client.post("/api/v1/lab/queries", json={"sql": "SELECT INTERVAL '25 days 3 hours' AS took"})).json()
    at = f"/api/v1/lab/queries/{query['id']}"
    await until_ended(client, at)
    assert (await client.get(f"{at}/rows")).json()["rows"] == [["P25DT3H"]]
    many = (await client.post("/api/v1/lab/queries", json={"sql": "SELECT range AS v FROM range(100001)"})).json()
    at = f"/api/v1/lab/queries/{many['id']}"
    await until_ended(client, at)
    answer = await client.get(f"{at}/result?format=xlsx")
    assert answer.status_code == 422
    assert answer.json()["detail"] == "XLSX holds 100000 rows here; take CSV, Parquet or Arrow for more."
    answer = await client.get(f"{at}/result?format=csv&decimal=comma")
    assert answer.headers["content-disposition"].endswith('.csv"')
    assert answer.text.splitlines()[1] == "0"


@pytest.mark.parametrize("encoding", ["csv", "xlsx", "parquet", "arrow", "json"])
@pytest.mark.asyncio(loop_scope="module")
async def test_results_in_every_format_are_read_by_others(client: httpx.AsyncClient, encoding: str) -> None:
    sql = "SELECT unit, n::BIGINT AS n, '=1+1' AS formula, received_at FROM (SELECT unit, count(*) AS n, min(received_at) AS received_at FROM cases GROUP BY unit) ORDER BY unit"  # noqa: E501
    content = (await client.post(f"/api/v1/sql?format={encoding}", json={"sql": sql})).content
    assert _read(encoding, content) == [["19753", 360], ["19774", 270], ["46", 270]]


def _read(encoding: str, content: bytes) -> list[list[Any]]:
    import io

    import polars
    import pyarrow as pa
    import pyarrow.parquet
    from python_calamine import CalamineWorkbook

    if encoding == "csv":
        lines = content.decode("utf-8-sig").splitlines()[1:]
        return [[line.split(",")[0].strip('"'), int(line.split(",")[1])] for line in lines]
    if encoding == "xlsx":
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
        assert sheet[1][2] == "=1+1"
        return [[row[0], row[1]] for row in sheet[1:]]
    if encoding == "json":
        import orjson

        return [row[:2] for row in orjson.loads(content)["rows"]]
    if encoding == "parquet":
        return [[row["unit"], row["n"]] for row in pa.parquet.read_table(io.BytesIO(content)).to_pylist()]
    told = pa.ipc.open_stream(content).read_all().to_pandas()[["unit", "n"]].values.tolist()
    frame = polars.read_ipc_stream(io.BytesIO(content))
    assert [list(row) for row in frame.select("unit", "n").rows()] == told
    return told
