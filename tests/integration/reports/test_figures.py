"""Every number of every table of every report is the API's value for the same period; a reissue says what changed."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from python_calamine import CalamineWorkbook

from ioc.api import create_app
from ioc.clock import FixedClock, rfc3339
from ioc.model.case import Case
from ioc.reports.compose_issue import NothingToReport
from ioc.reports.issue_content import Issue, Table, figures_of
from ioc.reports.kpi_periods import is_of_days
from ioc.reports.pdf import pages_of, pdf
from ioc.reports.periods import PeriodLength, PeriodUnfit, Span, days_of, parse_span
from ioc.reports.print_layout import printed
from ioc.reports.workbook import workbook
from ioc.settings import VIETNAM
from tests.integration.reports.province import NOW, KpisOf, Province
from tests.support.checked_answers import CheckedTransport
from tests.support.fake_centre import ADMIN, FakeParts

OF_KPIS = [
    pytest.param("online_services", "2026-10", id="online services"),
    pytest.param("qd766.month", "2026-10", id="QĐ 766, month", marks=pytest.mark.soak),
    pytest.param("qd766.quarter", "2026-Q3", id="QĐ 766, quarter", marks=pytest.mark.soak),
    pytest.param("morning_brief", "2026-W44", id="morning brief"),
]
ISSUES = [*OF_KPIS, pytest.param("alarm_audit", "2026-10", id="alarm audit")]


@pytest.fixture(scope="module")
def province_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[PeriodLength | None], Province]]:
    """Makes it once for the reports of quarters and once for all others. Read by the tests, but for the last, which
    hears of something late."""
    made: list[Province] = []

    @cache
    def filled(length: PeriodLength | None) -> Province:
        made.append(Province.open(tmp_path_factory.mktemp("province"), length))
        made[-1].fill(7)
        made[-1].settle()
        return made[-1]

    yield filled
    for province in made:
        province.store.close()


@pytest.fixture
def province(request: pytest.FixtureRequest, province_of: Callable[[PeriodLength | None], Province]) -> Province:
    """The one that has the report of the test."""
    asked = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    return province_of(PeriodLength.QUARTER if "quarter" in asked.get("report", "") else None)


@pytest.fixture
async def api(province: Province, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    parts = FakeParts(tmp_path, clock=FixedClock(province.now), kpis=KpisOf(province))  # type: ignore[arg-type]
    parts.store = province.store  # type: ignore[assignment]
    app = create_app(replace(parts.centre(), cursor=province.store.cursor))
    headers = {"Authorization": f"Bearer {ADMIN}"}
    async with httpx.AsyncClient(transport=CheckedTransport(app), base_url="http://c", headers=headers) as client:
        yield client


def read_back(issue: Issue) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(orjson.dumps(issue))
    return found


def span_of(label: str) -> Span:
    length = PeriodLength.WEEK if "W" in label else PeriodLength.QUARTER if "Q" in label else PeriodLength.MONTH
    return parse_span(length, label, VIETNAM)


async def by_api(api: httpx.AsyncClient, kpi: str, unit: str, end: datetime) -> float | None:
    """The point at a moment."""
    query = {"unit": unit, "from": rfc3339(end - timedelta(hours=1)), "to": rfc3339(end), "step": "1h"}
    answer = await api.get(f"/api/v1/kpis/{kpi}/history", params=query)
    [point] = answer.json()["points"]
    value: float | None = point["value"]
    return value


async def expected(api: httpx.AsyncClient, province: Province, kpi: str, unit: str, label: str) -> float | None:
    span = span_of(label)
    if not is_of_days(province.catalog.kpis[kpi], span):
        return await by_api(api, kpi, unit, span.end)
    days = [await by_api(api, kpi, unit, end) for _, end in days_of(span)]
    return None if None in days else sum(day for day in days if day is not None)


@pytest.mark.parametrize(("report", "period"), OF_KPIS)
async def test_every_figure_is_the_apis(province: Province, api: httpx.AsyncClient, report: str, period: str) -> None:
    figures = figures_of(read_back(province.issue(report, period)))
    wrong, held = [], 0
    for (kpi, unit, label), cell in figures.items():
        wanted = await expected(api, province, kpi, unit, label)
        held += wanted is not None
        if cell["value"] != (None if wanted is None else pytest.approx(wanted, rel=1e-9, abs=1e-9)):
            wrong.append((kpi, unit, label, cell["value"], wanted))
        if cell["value"] is None:
            assert cell["why"]["vi"], (kpi, unit)
            assert cell["why"]["en"], (kpi, unit)
    assert wrong == []
    assert held > 10, "the history is too thin to show anything"


async def test_the_audit_is_the_apis(province: Province, api: httpx.AsyncClient) -> None:
    span = span_of("2026-10")
    query = {"from": rfc3339(span.start), "to": rfc3339(span.end)}
    said = (await api.get("/api/v1/alerts/audit", params=query)).json()
    figures = figures_of(read_back(province.issue("alarm_audit", "2026-10")))
    found = {key[0].removeprefix("alerts.audit:"): cell["value"] for key, cell in figures.items()}
    assert said["alerts"] > 50
    assert said["floods"]
    assert found == {
        "alerts": said["alerts"],
        "per_day": said["per_day"],
        "per_window": said["per_window"],
        "busiest_window": said["busiest_window"],
        "floods": len(said["floods"]),
        "flood_share": 100 * said["flood_share"],
        "chattering": len(said["chattering"]),
        "stale": len(said["stale"]),
        **{f"mix.{name}": 100 * share for name, share in said["mix"].items()},
        "answer.median_s": said["answer"]["median_s"] / 60,
        "answer.p90_s": said["answer"]["p90_s"] / 60,
        "answer.open": said["answer"]["open"],
    }


@pytest.mark.parametrize(("report", "period"), ISSUES)
def test_xlsx_holds_the_same_numbers_for_another_reader(province: Province, report: str, period: str) -> None:
    issue = province.issue(report, period)
    book = CalamineWorkbook.from_filelike(BytesIO(workbook(issue, "vi", VIETNAM)))
    tables = [block for block in issue.blocks if isinstance(block, Table)]
    assert book.sheet_names[0] == "Tóm tắt"
    front = {row[0]: row[1] for row in book.get_sheet_by_index(0).to_python() if len(row) > 1}
    assert isinstance(front["Số liệu lúc"], datetime)
    for place, table in enumerate(tables, 1):
        rows = book.get_sheet_by_index(place).to_python()
        by_name = [row for row in rows if row and row[0] in {line.name["vi"] for line in table.rows}]
        assert len(by_name) == len(table.rows)
        for line, row in zip(table.rows, by_name, strict=True):
            for cell, shown in zip(line.cells, row[1:], strict=False):
                if isinstance(cell.value, float):
                    assert shown == pytest.approx(cell.value, rel=1e-12)
                elif cell.value is None:
                    assert str(shown).startswith("— (")


@pytest.mark.parametrize(("report", "period"), ISSUES)
def test_pdf(province: Province, report: str, period: str) -> None:
    issue = province.issue(report, period)
    made = pdf(printed(issue, "vi", VIETNAM), one_page=issue.one_page)
    assert made.startswith(b"%PDF-")
    pages = pages_of(made)
    assert pages == 1 if issue.one_page else pages >= 1
    assert b"Inter" in made


@pytest.mark.parametrize(
    ("report", "period", "kind", "sentence"),
    [
        pytest.param("online_services", "2026-11", PeriodUnfit, "2026-11 is not over", id="running"),
        pytest.param(
            "online_services", "2019-03", NothingToReport, "No figure of online_services has data", id="no data"
        ),
        pytest.param("alarm_audit", "2019-03", NothingToReport, "No figure of alarm_audit", id="no alerts"),
    ],
)
def test_a_period_without_an_issue(
    province: Province, report: str, period: str, kind: type[Exception], sentence: str
) -> None:
    with pytest.raises(kind, match=sentence):
        province.issue(report, period)


def test_a_period_of_which_a_part_has_data_is_marked(province: Province) -> None:
    """Data begin in the middle of a month: its report says so, that of the month after does not."""
    [(first,)] = province.store.cursor().execute("SELECT min(updated_at) FROM case_changes").fetchall()
    began = first.replace(tzinfo=UTC).astimezone(VIETNAM)
    assert began.day > 1
    issue = province.issue("online_services", f"{began:%Y-%m}")
    assert any(f"chỉ có số liệu từ {began:%d/%m/%Y}" in note["vi"] for note in issue.notes)
    names = [row.name["vi"] for block in issue.blocks if isinstance(block, Table) for row in block.rows]
    names += [c.group.get("vi", "") for block in issue.blocks if isinstance(block, Table) for c in block.columns]
    assert any(name.endswith(" *") for name in names)
    later = province.issue("online_services", "2026-10")
    assert not any("Tạm tính" in note["vi"] for note in later.notes)


def test_a_reissue_says_what_changed_and_why(province: Province) -> None:
    """A dossier of October that is heard of now restates October."""
    before = read_back(province.issue("online_services", "2026-10"))
    key = ("dossier.received.month", "19753", "2026-10")
    was = figures_of(before)[key]["value"]
    province.now += timedelta(days=1)
    received = NOW - timedelta(days=9)
    province.hear(Case("dossier", "D-late", "19753", "received", received, received, "online", "1.004873"))
    province.settle()
    issue = province.issue("online_services", "2026-10", replaced=before, latest=before)
    assert (issue.number, issue.replaces) == (2, 1)
    [change] = [one for one in issue.changes if (one.kpi, one.unit, one.period) == key]
    assert (change.before, change.after, change.cause) == (was, was + 1, "data")
    assert change.late_samples == 1
    assert datetime.fromisoformat(change.at) > NOW + timedelta(days=1)
    assert {one.unit for one in issue.changes} == {"19753", "46"}
    assert change in issue.restated
    front = CalamineWorkbook.from_filelike(BytesIO(workbook(issue, "vi", VIETNAM))).get_sheet_by_index(0).to_python()
    assert ["Thay lần phát hành 1"] in [row[:1] for row in front]
    assert any(row[5] == "dữ liệu đến muộn (1 bản ghi)" for row in front if len(row) > 5)
    same = province.issue("online_services", "2026-10", replaced=read_back(issue), latest=read_back(issue))
    assert (same.number, same.changes, same.restated) == (3, (), ())
