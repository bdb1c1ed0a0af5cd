"""Explanations of a value through the API over a real store and evaluator: now, and at a past moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ioc.api import create_app
from ioc.clock import FixedClock, rfc3339, to_ms
from ioc.evaluation import Changes, Evaluator
from ioc.evaluation.restater import LULL, QUIET_FOR, Restater
from ioc.model.case import Case
from ioc.model.kpi import Target
from ioc.model.reading import Reading
from ioc.model.source import Liveness, SourceCondition, SourceState
from ioc.settings import VIETNAM
from ioc.store import apply_cases, apply_panes
from ioc.wire.schemas import cases_batch, readings_batch
from streams.reduce import reduce
from tests.support.checked_answers import CheckedTransport
from tests.support.evaluation_centre import NOW, PROVINCE, EvaluationCentre
from tests.support.fake_centre import ADMIN, FakeParts

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ADMINISTRATOR = {"Authorization": f"Bearer {ADMIN}"}
SECRET = "Nguyễn Văn A"


@dataclass
class Asked:
    """A centre with sources, its evaluator, and a client of its API."""

    centre: EvaluationCentre
    evaluator: Evaluator
    restater: Restater
    client: httpx.AsyncClient

    @property
    def unit(self) -> str:
        return self.centre.communes[0]

    def read(self, measure: str, at: datetime, *values: float, subject: str = "", applied_at: datetime = NOW) -> None:
        readings = [Reading(measure, self.unit, at + timedelta(seconds=n), v, subject) for n, v in enumerate(values)]
        reduced = reduce(readings_batch(readings), self.centre.catalog.vocabulary, to_ms(NOW))
        apply_panes(self.centre.store, reduced.panes, applied_at=applied_at, source="meter")

    def hear(
        self,
        number: int,
        status: str = "open",
        *,
        closed_at: datetime | None = None,
        changed: datetime = NOW - HOUR,
    ) -> None:
        service = f"S{number % 2}"
        case = Case("job", f"J{number}", self.unit, status, NOW - 2 * DAY, changed, "", service, None, closed_at)
        batch = cases_batch([case], [f'{{"cost": 3, "name": "{SECRET}"}}'])
        apply_cases(self.centre.store, batch, applied_at=NOW, source="one-stop-shop")

    async def explain(self, kpi: str, *, admin: bool = False, unit: str = "", **query: str) -> dict[str, Any]:
        self.evaluator.evaluate(Changes(), NOW)
        answer = await self.client.get(
            f"/api/v1/kpis/{kpi}/explain",
            params={"unit": unit or self.unit} | query,
            headers=ADMINISTRATOR if admin else {},
        )
        assert answer.status_code == 200, answer.text
        assert SECRET not in answer.text
        told: dict[str, Any] = answer.json()
        return told


def state(source: str, ago: timedelta) -> SourceState:
    return SourceState(
        source, "http_poll", {"vi": source, "en": source}, SourceCondition.LIVE, 1, 0, 0, 0, 0, 0.0, None,
        NOW - ago, 180.0, "", NOW, liveness=Liveness.COMPLETE_ANSWER,
    )  # fmt: skip


@pytest.fixture
async def asked(centre: EvaluationCentre, tmp_path: Path) -> AsyncIterator[Asked]:
    kpis = {kpi: definition for kpi, definition in centre.catalog.kpis.items() if kpi.startswith(("t.", "job.", "f."))}
    target = Target(2026, at_least=10, basis="thử")
    kpis["t.sum_today"] = replace(kpis["t.sum_today"], targets=(target,))
    centre.catalog = replace(centre.catalog, kpis=kpis)
    states = [state("one-stop-shop", timedelta(minutes=1)), state("meter", HOUR)]
    restater = Restater(centre.store, VIETNAM, lambda: centre.catalog)
    evaluator = Evaluator(centre.catalog, centre.store, VIETNAM, sources=lambda: states, restated=restater.restated)
    parts = replace(
        FakeParts(tmp_path / "api", clock=FixedClock(NOW)).centre(),
        kpis=evaluator,
        catalog=lambda: centre.catalog,
        sources=lambda: states,
        cursor=centre.store.cursor,
    )
    async with httpx.AsyncClient(transport=CheckedTransport(create_app(parts)), base_url="http://centre") as client:
        yield Asked(centre, evaluator, restater, client)


async def test_a_measure_with_its_panes_target_and_sources(asked: Asked) -> None:
    asked.read("t.count", NOW - 2 * HOUR, 1.0, 3.0)
    asked.read("t.count", NOW - HOUR, 4.0)
    told = await asked.explain("t.sum_today")
    assert told["value"]["value"] == 8
    assert told["value"]["freshness"] == "stale", "its source has not been heard of for an hour"
    assert told["definition"]["version"] == told["value"]["definition_version"]
    assert told["to_target"] == {"distance": -2, "met": False}
    [source] = told["sources"]
    assert (source["source"], source["feeds"], source["rows"], source["behind"]) == ("meter", "t.count", 3, True)
    assert source["last_success"] == rfc3339(NOW - HOUR)
    panes = told["panes"]["page"]
    assert [(pane["n"], pane["sum"], pane["mean"], pane["least"], pane["most"]) for pane in panes] == [
        (1, 4, 4, 4, 4),
        (2, 4, 2, 1, 3),
    ]
    assert panes[1]["from"] == rfc3339((NOW - 2 * HOUR).replace(minute=0, second=0))
    assert (told["cases"], told["formula"], told["parts"]) == (None, None, [])


async def test_panes_are_told_apart_by_subject_and_paged(asked: Asked) -> None:
    asked.read("t.level", NOW - HOUR, 1.0, subject="AQ-1")
    asked.read("t.level", NOW - HOUR, 2.0, subject="AQ-2")
    first = await asked.explain("t.mean_24h", limit="1")
    second = await asked.explain("t.mean_24h", limit="1", cursor=first["panes"]["next"])
    subjects = [pane["subject"] for told in (first, second) for pane in told["panes"]["page"]]
    assert subjects == ["AQ-1", "AQ-2"]
    assert second["panes"]["next"] is None


async def test_a_long_windows_whole_days_are_days(asked: Asked) -> None:
    asked.read("t.count", NOW - 10 * DAY, 2.0)
    asked.read("t.count", NOW - 10 * DAY + HOUR, 5.0)
    told = await asked.explain("t.sum_month")
    [pane] = told["panes"]["page"]
    length = datetime.fromisoformat(pane["to"]) - datetime.fromisoformat(pane["from"])
    assert (length, pane["n"], pane["sum"]) == (DAY, 2, 7)


async def test_cases_are_counted_for_all_and_listed_for_who_may_see_them(asked: Asked) -> None:
    for number in range(3):
        asked.hear(number)
    asked.hear(3, "done", closed_at=NOW - HOUR)
    told = await asked.explain("job.open")
    assert told["value"]["value"] == 3
    assert told["cases"]["by_status"] == [{"name": "open", "samples": 3, "counted": 3}]
    assert told["cases"]["by_service"] == [
        {"name": "S0", "samples": 2, "counted": 2},
        {"name": "S1", "samples": 1, "counted": 1},
    ]
    assert (told["cases"]["page"], told["cases"]["next"]) == (None, None)
    assert told["sources"][0]["behind"] is False
    listed = []
    cursor: str | None = ""
    while cursor is not None:
        page = await asked.explain("job.open", admin=True, limit="2", **({"cursor": cursor} if cursor else {}))
        listed += page["cases"]["page"]
        cursor = page["cases"]["next"]
    assert [case["case_id"] for case in listed] == ["J2", "J1", "J0"]
    shown = "case_id unit status channel service received_at due_at closed_at updated_at counted"
    assert set(listed[0]) == set(shown.split())


async def test_a_ratio_tells_samples_from_those_that_count(asked: Asked) -> None:
    asked.hear(1, "done", closed_at=NOW - HOUR)
    case = Case("job", "J2", asked.unit, "done", NOW - 2 * DAY, NOW - HOUR, due_at=NOW - DAY, closed_at=NOW - HOUR)
    apply_cases(asked.centre.store, cases_batch([case], [None]), applied_at=NOW)
    told = await asked.explain("job.on_time", admin=True)
    assert [(case["case_id"], case["counted"]) for case in told["cases"]["page"]] == [("J2", False)]
    assert told["cases"]["by_status"] == [{"name": "done", "samples": 1, "counted": 0}]


async def test_the_past_is_explained_by_what_was_known_then(asked: Asked) -> None:
    asked.hear(1, changed=NOW - 2 * DAY)
    asked.hear(1, "done", closed_at=NOW - HOUR, changed=NOW - HOUR)
    asked.read("t.count", NOW - DAY - HOUR, 6.0)
    then = rfc3339(NOW - HOUR / 2 - DAY)
    told = await asked.explain("job.open", admin=True, at=then)
    assert (told["at"], told["value"]["value"]) == (then, 1)
    assert [(case["case_id"], case["status"]) for case in told["cases"]["page"]] == [("J1", "open")]
    assert (await asked.explain("job.open", admin=True))["cases"]["page"] == []
    count = await asked.explain("t.sum_today", at=then)
    assert (count["value"]["value"], [pane["sum"] for pane in count["panes"]["page"]]) == (6, [6])
    assert (await asked.explain("t.sum_today"))["value"]["value"] is None


async def test_a_formula_shows_the_values_of_its_parts(asked: Asked) -> None:
    case = Case("job", "J1", asked.unit, "open", NOW - HOUR, NOW - HOUR)
    apply_cases(asked.centre.store, cases_batch([case], [None]), applied_at=NOW)
    asked.read("t.count", NOW - HOUR, 6.0)
    told = await asked.explain("f.per_job")
    assert told["formula"] == "t.sum_today / job.received_today"
    assert {part["id"]: part["value"] for part in told["parts"]} == {"t.sum_today": 6, "job.received_today": 1}
    assert {source["source"] for source in told["sources"]} == {"meter", "direct"}
    assert (told["panes"], told["cases"]) == (None, None)


async def test_constants_come_with_what_is_in_force_and_its_basis(asked: Asked) -> None:
    pack = (asked.centre.folder / "pack.toml").read_text(encoding="utf-8")
    pack += """
[[constant]]
id = "test.price"
name = { vi = "Giá", en = "Price" }
values = [{ from = "2020-01-01", value = 2, basis = "cũ" }, { from = "2026-11-01", value = 3, basis = "mới" }]

[[kpi]]
id = "f.cost"
name = { vi = "Chỉ tiêu", en = "KPI" }
unit_of_measure = "1"
window = "today"
basis = "thử"
formula = { text = "t.sum_today * test.price" }
"""
    asked.centre.redefine(pack)
    asked.evaluator.reload(asked.centre.catalog)
    asked.read("t.count", NOW - HOUR, 6.0)
    asked.read("t.count", NOW - 30 * DAY, 6.0)
    told = await asked.explain("f.cost")
    [constant] = told["constants"]
    assert (told["value"]["value"], constant["value"], constant["since"]) == (18, 3, str(date(2026, 11, 1)))
    assert constant["basis"] == "mới"
    before = await asked.explain("f.cost", at=rfc3339(NOW - 30 * DAY + HOUR))
    assert (before["value"]["value"], before["constants"][0]["basis"]) == (12, "cũ")


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        pytest.param("/api/v1/kpis/no.such/explain", 404, "no KPI", id="unknown KPI"),
        pytest.param("/api/v1/kpis/t.sum_today/explain?unit=00000", 400, "00000", id="unknown unit"),
        pytest.param("/api/v1/kpis/t.sum_today/explain?at=2030-01-01T00:00:00Z", 400, "future", id="the future"),
        pytest.param("/api/v1/kpis/t.sum_today/explain?cursor=x", 400, "cursor", id="a cursor that is none"),
        pytest.param("/api/v1/restatements?kpi=no.such", 400, "no.such", id="restatements of an unknown KPI"),
        pytest.param("/api/v1/restatements?from=yesterday", 400, "yesterday", id="a time that is none"),
    ],
)
async def test_what_is_not_there_is_said_in_a_sentence(asked: Asked, path: str, status: int, said: str) -> None:
    asked.evaluator.evaluate(Changes(), NOW)
    answer = await asked.client.get(path)
    assert answer.status_code == status
    assert said in answer.json()["detail"]


async def test_restatements_are_listed_and_history_is_marked(asked: Asked) -> None:
    for day in (1, 2):
        asked.read("t.count", NOW - day * DAY, 6.0, applied_at=NOW - DAY)
    settle(asked.restater, NOW)
    settle(asked.restater, NOW + QUIET_FOR)
    late = NOW + QUIET_FOR
    asked.read("t.count", NOW - DAY, 1.0, applied_at=late)
    settle(asked.restater, late + LULL)
    answer = await asked.client.get("/api/v1/restatements", params={"kpi": "t.sum_today", "unit": asked.unit})
    [told] = answer.json()["restatements"]
    assert (told["before"]["value"], told["after"]["value"], told["period"]) == (6, 7, "day")
    assert told["after"]["at"] == rfc3339(late + LULL)
    assert told["cause"]["kind"] == "data"
    assert told["cause"]["late_samples"] == 1
    assert [batch["source"] for batch in told["cause"]["batches"]] == ["meter"]
    query = {"unit": asked.unit, "step": "6h", "from": rfc3339(NOW - 3 * DAY), "to": rfc3339(NOW)}
    points = (await asked.client.get("/api/v1/kpis/t.sum_today/history", params=query)).json()["points"]
    start, end = (datetime.fromisoformat(told["window"][name]) for name in ("from", "to"))
    marked = [datetime.fromisoformat(point["time"]) for point in points if point.get("restated")]
    assert marked == [time for point in points if start < (time := datetime.fromisoformat(point["time"])) <= end]
    assert len(marked) == 4
    asked.evaluator.evaluate(Changes(), NOW)
    present = (await asked.client.get("/api/v1/kpis", params={"kpi": "t.sum_today"})).json()["kpis"]
    mark = {value["unit"]: value.get("restated_at") for value in present if value.get("restated")}
    assert mark == {asked.unit: rfc3339(late + LULL), PROVINCE: rfc3339(late + LULL)}
    assert (await asked.explain("t.sum_today"))["restatements"] == [told]
    first = (await asked.client.get("/api/v1/restatements", params={"limit": 1})).json()
    listed = list(first["restatements"])
    cursor = first["next"]
    while cursor:
        page = (await asked.client.get("/api/v1/restatements", params={"limit": 1, "cursor": cursor})).json()
        listed += page["restatements"]
        cursor = page["next"]
    everything = (await asked.client.get("/api/v1/restatements")).json()["restatements"]
    assert listed == everything
    none = await asked.client.get("/api/v1/restatements", params={"to": rfc3339(late)})
    assert none.json() == {"restatements": [], "next": None}


def settle(restater: Restater, now: datetime) -> None:
    while restater.step(now):
        pass
