"""Making an issue as a job: a repeated request finds it, and no second one is made."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from ioc.api.auth.forwarded import signed_headers
from ioc.clock import FixedClock
from ioc.lab.app import create_lab_app
from ioc.lab.context import LabContext
from ioc.lab.report_making import ReportOrder, reports_dir
from ioc.lab.routes import reports as route
from ioc.messages import Message
from ioc.reports.compose_issue import NothingToReport
from ioc.reports.issue_store import IssueId, Issues
from ioc.settings import Settings
from ioc.store.snapshot import Snapshot
from tests.support.checked_answers import CheckedTransport
from tests.support.example_issue import example_issue

NOW = datetime(2026, 11, 6, 1, 30, tzinfo=UTC)
AT = "/api/v1/reports/online_services"


@dataclass
class SlowProcess:
    """Stands in for the process that makes reports: it is half done until it is let go."""

    folder: Path
    orders: list[ReportOrder] = field(default_factory=list)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    fault: Exception | None = None

    async def run_job(
        self, told: Callable[[float], None], _: Callable[..., Any], __: Snapshot, ___: Settings, order: ReportOrder
    ) -> IssueId:
        self.orders.append(order)
        told(0.5)
        await self.go_on.wait()
        if self.fault is not None:
            raise self.fault
        issue = replace(example_issue(), number=len(self.orders), period=order.period)
        return Issues(self.folder).add(issue, {"xlsx": b"PK", "pdf": b"%PDF-"})

    async def close(self) -> None:
        """Nothing runs."""


@pytest.fixture
def process(tmp_path: Path) -> SlowProcess:
    return SlowProcess(reports_dir(Settings(tmp_path)))


@pytest_asyncio.fixture
async def lab(
    tmp_path: Path, process: SlowProcess, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr(route, "MAX_WAIT_S", 0.05)
    settings = Settings(tmp_path)
    snapshot = Snapshot(tmp_path / "none.duckdb", tmp_path, NOW, 0, 0.0)
    parts = LabContext(settings, FixedClock(NOW), lambda: snapshot, process)  # type: ignore[arg-type]
    headers = signed_headers(settings.lab_key(), "an", ["ask_sql", "look"])
    transport = CheckedTransport(create_lab_app(parts))
    async with httpx.AsyncClient(transport=transport, base_url="http://lab", headers=headers) as client:
        yield client


async def until_ended(lab: httpx.AsyncClient) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while (found := (await lab.get(AT)).json())["making"]:  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(0.01)
    last: dict[str, Any] = found["last_made"]
    return last


async def test_asking_again_finds_the_same_job(lab: httpx.AsyncClient, process: SlowProcess) -> None:
    first = await lab.post(f"{AT}/issues", json={"period": "2026-10"})
    again = await lab.post(f"{AT}/issues", json={})  # the one that ended last is October as well
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.headers["location"] == AT
    assert again.json() == first.json()
    making = (await lab.get(AT)).json()["making"]
    assert [(one["period"], one["progress"], one["by"]) for one in making] == [("2026-10", 0.5, "an")]
    process.go_on.set()
    last = await until_ended(lab)
    assert (last["state"], last["issue"]) == ("done", "2026-10.1")
    assert [one["id"] for one in (await lab.get(f"{AT}/issues")).json()["issues"]] == ["2026-10.1"]
    assert len(process.orders) == 1
    assert (await lab.post(f"{AT}/issues", json={"period": "2026-10"})).json()["id"] == "2026-10.2"


async def test_a_failed_job_reports_its_reason_later(lab: httpx.AsyncClient, process: SlowProcess) -> None:
    assert (await lab.post(f"{AT}/issues", json={"period": "2026-10"})).status_code == 202
    process.fault = NothingToReport(Message("report_no_data", report="online_services", period="2026-10"))
    process.go_on.set()
    last = await until_ended(lab)
    assert (last["state"], last["issue"], last["detail"]) == ("failed", None, str(process.fault))
    assert last["errors"][0]["code"] == "report_no_data"
    answer = await lab.post(f"{AT}/issues", json={"period": "2026-10"})
    assert (answer.status_code, answer.json()["detail"]) == (409, str(process.fault))


async def test_one_that_is_to_be_sent_does_not_hide_in_one_that_is_not(
    lab: httpx.AsyncClient, process: SlowProcess
) -> None:
    await lab.post(f"{AT}/issues", json={"period": "2026-10"})
    answer = await lab.post(f"{AT}/issues", json={"period": "2026-10", "send": True})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "report_being_made")
    process.go_on.set()
    await until_ended(lab)


@pytest.mark.parametrize("period", ["2026-13", "2026-Q3", "nonsense"])
async def test_an_invalid_period_is_refused_with_a_code(
    lab: httpx.AsyncClient, process: SlowProcess, period: str
) -> None:
    answer = await lab.post(f"{AT}/issues", json={"period": period})
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {
            "field": "period",
            "message": f"{period!r} is not a month; write it as 2026-10.",
            "code": "report_period",
            "params": {"given": period, "period": "month", "form": "2026-10"},
        }
    ]
    assert process.orders == []
