"""The files of the open data: what is in them, that they are whole, and how they are served."""

import asyncio
import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ParamSpec, TypeVar

import duckdb
import httpx
import pyarrow as pa
import pytest
from fastapi import FastAPI
from rdflib import Graph, Namespace
from rdflib.compare import isomorphic
from rdflib.namespace import DCAT, DCTERMS, FOAF, RDF

from ioc.api.http import problems
from ioc.clock import FixedClock
from ioc.errors import ConfigurationInvalid, StoreUnavailable
from ioc.lab.context import LabContext
from ioc.lab.job_process import JobProcess
from ioc.lab.routes import open_data
from ioc.open_data.build_files import build, built, lacks_rows
from ioc.settings import Settings
from tests.support.checked_answers import CheckedTransport
from tests.support.published_open_data import DOSSIERS, PROVINCE, publish

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SITE = "https://ioc.example.vn"
Given = ParamSpec("Given")
Result = TypeVar("Result")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = Settings(data_dir=tmp_path_factory.mktemp("data"), demonstration=True)
    own = made.catalog_dir / "open" / "open.toml"
    own.parent.mkdir(parents=True)
    own.write_text(
        'publisher = { vi = "Ủy ban nhân dân", en = "People\'s Committee" }\n'
        'contact = { name = "Trung tâm điều hành", email = "ioc@example.vn" }\n'
    )
    build(publish(made.data_dir / "lab.duckdb"), made.open_data_dir, made, SITE, NOW)
    return made


@pytest.fixture
def client(settings: Settings) -> httpx.AsyncClient:
    app = FastAPI()
    app.state.context = LabContext(settings, FixedClock(NOW), lambda: None, JobProcess())
    app.include_router(open_data.router)
    problems.install(app)
    return httpx.AsyncClient(transport=CheckedTransport(app), base_url="http://lab")


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"))))


def test_values_of_closed_periods_with_few_cases_hidden(settings: Settings) -> None:
    rows = rows_of(built(settings.open_data_dir)["dich-vu-cong.csv"].path)
    october = {
        row["unit"]: (row["value"], row["samples"], row["suppressed"])
        for row in rows
        if (row["kpi"], row["period"]) == ("dossier.received.month", "2026-10")
    }
    assert october == {
        PROVINCE: ("157", "157", "false"),
        "19753": ("", "", "true"),
        "19774": ("", "", "true"),  # the fewest of the others: else the total would tell
        "19777": ("60", "60", "false"),
        "19789": ("55", "55", "false"),
    }
    assert {(row["first_day"], row["last_day"]) for row in rows} == {
        ("2026-09-01", "2026-09-30"),
        ("2026-10-01", "2026-10-31"),
    }
    assert {row["unit_name"] for row in rows if row["unit"] == PROVINCE} == {"Thành phố Huế"}


def test_no_row_tells_of_few_cases(settings: Settings) -> None:
    for name, file in built(settings.open_data_dir).items():
        if name.endswith(".csv") and "dictionary" not in name:
            for row in rows_of(file.path):
                over_cases = row["kpi"].startswith(("dossier", "petition"))
                assert not over_cases or (row["suppressed"] == "true") == (row["samples"] == "" == row["value"])
                assert not over_cases or row["suppressed"] == "true" or int(row["samples"]) >= 5


def test_readings_are_no_cases(settings: Settings) -> None:
    rows = rows_of(built(settings.open_data_dir)["luu-luong-giao-thong.csv"].path)
    assert [(row["period"], row["value"], row["suppressed"]) for row in rows] == [
        ("2026-10-29", "3", "false"),
        ("2026-10-30", "3", "false"),
        ("2026-10-31", "3", "false"),
    ]


def test_csv_and_parquet_say_the_same(settings: Settings) -> None:
    files = built(settings.open_data_dir)
    columns = "unit::VARCHAR, kpi, period, value::DOUBLE, samples::BIGINT, suppressed::BOOLEAN, first_day::DATE"
    counts = [
        duckdb.sql(f"SELECT {columns} FROM '{files[f'dich-vu-cong.{kind}'].path}' ORDER BY ALL").fetchall()
        for kind in ("csv", "parquet")
    ]
    assert counts[0] == counts[1]
    assert len(counts[0]) == 20


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # rdflib's own reader of JSON-LD uses it
def test_both_spellings_of_the_catalogue_are_one_graph_with_what_dcat_ap_asks(settings: Settings) -> None:
    files = built(settings.open_data_dir)
    linked = Graph().parse(files["catalog.jsonld"].path, format="json-ld")
    graph = Graph().parse(files["catalog.ttl"].path, format="turtle")
    assert isomorphic(linked, graph)
    (catalog,) = graph.subjects(RDF.type, DCAT.Catalog)
    for asked in (DCTERMS.title, DCTERMS.description, DCTERMS.publisher, DCAT.dataset, DCTERMS.license):
        assert list(graph.objects(catalog, asked)), asked
    (publisher,) = graph.objects(catalog, DCTERMS.publisher)
    assert list(graph.objects(publisher, FOAF.name))
    datasets = list(graph.subjects(RDF.type, DCAT.Dataset))
    assert len(datasets) == 5
    for dataset in datasets:
        for asked in (DCTERMS.title, DCTERMS.description, DCTERMS.publisher, DCAT.theme, DCTERMS.accrualPeriodicity):
            assert list(graph.objects(dataset, asked)), asked
        (contact,) = graph.objects(dataset, DCAT.contactPoint)
        assert list(graph.objects(contact, VCARD.hasEmail))
        for distribution in graph.objects(dataset, DCAT.distribution):
            (address,) = graph.objects(distribution, DCAT.accessURL)
            assert str(address).removeprefix(f"{SITE}/open/") in files
            assert list(graph.objects(distribution, DCTERMS.license))
        assert all("MÔ PHỎNG" in told or "SIMULATED" in told for told in graph.objects(dataset, DCTERMS.description))  # type: ignore[operator]
        kinds = Counter(str(graph.value(one, DCTERMS["format"])) for one in graph.objects(dataset, DCAT.distribution))
        assert sorted(kinds.values()) == [1, 1]


def test_a_publisher_that_is_not_set_is_said_not_to_be(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, demonstration=True)
    build(publish(tmp_path / "lab.duckdb"), settings.open_data_dir, settings, SITE, NOW)
    files = built(settings.open_data_dir)
    told = json.loads(files["dictionary.json"].path.read_text())
    assert (told["publisher"], told["contact"]) == (None, None)
    graph = Graph().parse(files["catalog.ttl"].path, format="turtle")
    assert {str(name) for name in graph.objects(None, FOAF.name)} == {
        "(chưa đặt đơn vị công bố)",
        "(publisher not set)",
    }
    assert not list(graph.objects(None, DCAT.contactPoint))


async def test_files_without_rows_are_built_again_with_the_next_publication(tmp_path: Path) -> None:
    """A history that comes in is not waited for a quarter of an hour."""
    settings = Settings(data_dir=tmp_path, demonstration=True)
    empty, full = publish(tmp_path / "empty.duckdb"), publish(tmp_path / "full.duckdb")
    with duckdb.connect(str(empty)) as connection:
        connection.execute("DELETE FROM kpi_periods")
    build(empty, settings.open_data_dir, settings, SITE, NOW)
    assert lacks_rows(settings.open_data_dir)
    parts = LabContext(settings, FixedClock(NOW + timedelta(minutes=1)), lambda: None, BuildsHere())
    keeping = asyncio.create_task(open_data.keep_built(lambda: full, parts))
    await asyncio.sleep(0)  # its first look builds without waiting for anything
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert len(rows_of(built(settings.open_data_dir)["dich-vu-cong.csv"].path)) == 20


class BuildsHere(JobProcess):
    """Without a process."""

    async def run_scheduled(
        self, function: Callable[Given, Result], *arguments: Given.args, **named: Given.kwargs
    ) -> Result:
        return function(*arguments, **named)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("/open/dich-vu-cong.csv", "text/csv; charset=utf-8"),
        ("/open/dich-vu-cong.parquet", "application/vnd.apache.parquet"),
        ("/open/dich-vu-cong/dictionary.csv", "text/csv; charset=utf-8"),
        ("/open/dictionary.json", "application/json"),
        ("/open/catalog.jsonld", "application/ld+json"),
        ("/open/catalog.ttl", "text/turtle; charset=utf-8"),
    ],
)
async def test_addresses(client: httpx.AsyncClient, address: str, kind: str) -> None:
    answer = await client.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.headers["last-modified"] == "Mon, 23 Nov 2026 02:00:00 GMT"
    head = await client.head(address)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", answer.headers["etag"])
    for known in (
        {"If-None-Match": answer.headers["etag"]},
        {"If-None-Match": f'"other", W/{answer.headers["etag"]}'},
        {"If-Modified-Since": answer.headers["last-modified"]},
    ):
        again = await client.get(address, headers=known)
        assert (again.status_code, again.content) == (304, b"")
    for older in ({"If-None-Match": '"other"'}, {"If-Modified-Since": "Mon, 23 Nov 2026 01:59:59 GMT"}):
        assert (await client.get(address, headers=older)).status_code == 200


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        pytest.param("gzip, deflate, br, zstd", "zstd", id="a browser"),
        pytest.param("gzip", "gzip", id="gzip alone"),
        pytest.param("zstd;q=0, gzip;q=0.5", "gzip", id="zstd refused"),
        pytest.param("identity", None, id="as it is"),
        pytest.param("gzip;q=x", None, id="garbage"),
    ],
)
async def test_compression(client: httpx.AsyncClient, settings: Settings, accepted: str, coding: str | None) -> None:
    plain = built(settings.open_data_dir)["dich-vu-cong.csv"].path.read_bytes()
    async with client.stream("GET", "/open/dich-vu-cong.csv", headers={"Accept-Encoding": accepted}) as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers.get("content-encoding") == coding
    unpack = {
        None: lambda data: data,
        "gzip": gzip.decompress,
        "zstd": lambda data: pa.Codec("zstd").decompress(data, len(plain), asbytes=True),
    }
    assert unpack[coding](raw) == plain


@pytest.mark.parametrize(
    "name", ["none.csv", "current.json", "dich-vu-cong.csv.gz", "dich-vu-cong", "..%2fadmin.token"]
)
async def test_what_is_not_open(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/open/{name}")
    assert answer.status_code == 404


def test_what_did_not_change_keeps_its_time_and_a_failed_build_leaves_all(settings: Settings, tmp_path: Path) -> None:
    own = replace(settings, data_dir=tmp_path)
    lab, later = tmp_path / "lab.duckdb", NOW + timedelta(hours=1)
    build(publish(lab), own.open_data_dir, own, SITE, NOW)
    build(publish(lab, dossiers=DOSSIERS | {"19777": 61}), own.open_data_dir, own, SITE, later)
    files = built(own.open_data_dir)
    assert files["dich-vu-cong.csv"].changed_at == later
    assert files["luu-luong-giao-thong.parquet"].changed_at == NOW
    with duckdb.connect(str(lab)) as connection:
        connection.execute("DROP TABLE kpi_periods")
    with pytest.raises(StoreUnavailable, match="cannot be built"):
        build(lab, own.open_data_dir, own, SITE, later + timedelta(hours=1))
    assert built(own.open_data_dir) == files
    assert all(file.path.is_file() for file in files.values())
    assert not list(own.open_data_dir.glob(".draft-*"))


@pytest.mark.parametrize(
    ("kpis", "says"),
    [
        pytest.param('"dossier.recieved.month"', "did you mean", id="unknown KPI"),
        pytest.param('"dossier.open"', "no closed periods", id="a KPI of now"),
        pytest.param('"dossier.received.year"', "is of a year", id="another period"),
        pytest.param('"dossier.received.month", "dossier.settled_month"', "both count cases", id="two counts"),
        pytest.param('"document.process_hours"', "formula over cases", id="formula over cases"),
    ],
)
def test_an_unfit_choice_is_refused(settings: Settings, tmp_path: Path, kpis: str, says: str) -> None:
    catalog = tmp_path / "catalog" / "open"
    catalog.mkdir(parents=True)
    names = 'title = { vi = "T", en = "T" }\ndescription = { vi = "M", en = "D" }\ntheme = "GOVE"\n'
    (catalog / "open.toml").write_text(f'[[dataset]]\nid = "x1"\n{names}period = "month"\nkpis = [{kpis}]\n')
    own = replace(settings, data_dir=tmp_path)
    with pytest.raises(ConfigurationInvalid, match=says):
        build(settings.data_dir / "lab.duckdb", own.open_data_dir, own, SITE, NOW)
    assert built(own.open_data_dir) == {}


def test_the_dictionary_tells_of_every_column(settings: Settings) -> None:
    files = built(settings.open_data_dir)
    told = json.loads(files["dictionary.json"].path.read_text())
    header = files["dich-vu-cong.csv"].path.read_bytes().decode("utf-8-sig").split("\r\n")[0].split(",")
    assert [column["name"] for column in told["columns"]] == header
    assert [row["name"] for row in rows_of(files["dich-vu-cong.dictionary.csv"].path)] == header
    assert told["simulated"] is True
    assert {dataset["id"]: dataset["rows"] for dataset in told["datasets"]}["dich-vu-cong"] == 20
