"""The explorer's addresses over a snapshot, calculated in the lab's job process."""

import asyncio
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import httpx
import openpyxl
import pytest

from ioc.api.auth.forwarded import signed_headers
from ioc.clock import SystemClock, rfc3339
from ioc.lab.app import create_lab_app
from ioc.lab.context import LabContext
from ioc.lab.job_process import JobProcess
from ioc.lab.snapshot_reader import open_snapshot
from ioc.settings import Settings
from ioc.store.snapshot import take
from tests.integration.explorer.filled_centre import FilledCentre
from tests.support.checked_answers import CheckedTransport
from tests.support.evaluation_centre import NOW, PACK, PROVINCE

SPAN = {"from": rfc3339(NOW - timedelta(days=3)), "to": rfc3339(NOW), "step": "12h"}
Answers = dict[str, httpx.Response]


@pytest.fixture(scope="module")
def answers(told: FilledCentre, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """All answers that this file needs, by name; one job process for all."""
    folder = tmp_path_factory.mktemp("lab")
    settings = Settings.from_environment({"IOC_DATA_DIR": str(folder)})
    settings.catalog_dir.mkdir(parents=True)
    (settings.catalog_dir / "pack.toml").write_text(PACK, encoding="utf-8")
    snapshot = take(told.centre.store, settings.snapshots_dir, NOW)
    units = f"{PROVINCE},{told.units[1]}"
    asked = {
        "series": ("t.mean_24h/series", {**SPAN, "units": units, "compare": "last_year"}),
        "communes": ("t.mean_24h/series", {**SPAN, "units": "communes"}),
        "csv": ("t.mean_24h/series", {**SPAN, "units": units, "format": "csv"}),
        "xlsx": ("t.mean_24h/series", {**SPAN, "units": units, "format": "xlsx"}),
        "parts": ("t.mean_7d/parts", {"from": SPAN["from"], "to": SPAN["to"]}),
        "sql": ("t.mean_24h/sql", {**SPAN, "units": units}),
        "forecast": ("t.mean_24h/forecast", {}),
        "no such KPI": ("t.nothing/series", SPAN),
        "no such unit": ("t.mean_24h/series", {**SPAN, "units": "99999"}),
        "no step": ("t.mean_24h/series", {**SPAN, "step": "soon"}),
        "too many points": ("t.mean_24h/series", {**SPAN, "step": "1m"}),
        "backwards": ("t.mean_24h/series", {**SPAN, "to": SPAN["from"], "from": SPAN["to"]}),
    }

    async def ask() -> Answers:
        parts = LabContext(settings, SystemClock(), lambda: snapshot, JobProcess())
        app = create_lab_app(parts)
        looking = signed_headers(settings.lab_key(), "", ["look"])
        async with httpx.AsyncClient(
            transport=CheckedTransport(app), base_url="http://lab", timeout=100, headers=looking
        ) as client:
            found = {
                name: await client.get(f"/api/v1/explore/{path}", params=query) for name, (path, query) in asked.items()
            }
        await parts.beside.close()
        return found

    return asyncio.run(ask())


def test_series_are_those_of_the_api(answers: Answers, told: FilledCentre) -> None:
    shape = answers["series"].json()
    points = told.centre.evaluator.history("t.mean_24h", PROVINCE, NOW - timedelta(days=3), NOW, timedelta(hours=12))
    assert shape["times"] == [rfc3339(point.time) for point in points]
    assert shape["series"][0]["values"] == [point.value for point in points]
    assert [one["unit"] for one in shape["last_year"]["series"]] == [PROVINCE, told.units[1]]
    assert len(shape["last_year"]["times"]) == len(shape["times"])


def test_all_communes_come_in_one_answer(answers: Answers, told: FilledCentre) -> None:
    assert [one["unit"] for one in answers["communes"].json()["series"]] == told.centre.communes


def test_tables_say_what_the_chart_says(answers: Answers) -> None:
    shown = answers["series"].json()["series"]
    expected = [value for values in zip(*(one["values"] for one in shown), strict=True) for value in values]
    lines = answers["csv"].content.decode("utf-8-sig").splitlines()[1:]
    assert [float(cell) if (cell := line.split(",")[4]) else None for line in lines] == expected
    sheet = openpyxl.load_workbook(BytesIO(answers["xlsx"].content))["KPI"]
    assert [row[4] for row in sheet.iter_rows(min_row=2, values_only=True)] == pytest.approx(expected, rel=1e-14)
    assert sheet.freeze_panes == "A2"


def test_parts_sql_and_forecast_answer(answers: Answers) -> None:
    parts = answers["parts"].json()
    assert parts["method"] == "ratio"
    assert [grouping["by"] for grouping in parts["groupings"]] == ["unit"]
    assert answers["sql"].json()["reads"] == "definition"
    forecast = answers["forecast"].json()
    assert (forecast["path"], forecast["chance"]) == ([], None)
    assert forecast["reason"].endswith(".")


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ("no such KPI", 404, "There is no KPI 't.nothing'."),
        ("no such unit", 400, "units='99999' is not a unit"),
        ("no step", 400, "step='soon'"),
        ("too many points", 400, "too many"),
        ("backwards", 400, "from must lie before to."),
    ],
)
def test_an_invalid_request_is_one_sentence(answers: Answers, asked: str, status: int, says: str) -> None:
    answer = answers[asked]
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]


def test_every_reader_of_a_snapshot_spills_into_a_folder_of_its_own(told: FilledCentre, tmp_path: Path) -> None:
    settings = Settings.from_environment({"IOC_DATA_DIR": str(tmp_path)})
    snapshot = take(told.centre.store, settings.snapshots_dir, NOW)
    folders = []
    for _ in range(2):
        with open_snapshot(snapshot, settings) as past:
            [(folder,)] = past.cursor.execute("SELECT current_setting('temp_directory')").fetchall()
            assert Path(folder).is_dir()
            folders.append(folder)
        assert not Path(folder).exists()
    assert len(set(folders)) == 2
