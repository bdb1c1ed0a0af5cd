"""Restatements: a change of a published value of a closed period is recorded once, with both values and the cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from ioc.clock import to_ms
from ioc.errors import StoreUnavailable
from ioc.evaluation import Changes, Evaluator
from ioc.evaluation.restater import LULL, QUIET_FOR, SETTLES_AFTER, Restater
from ioc.model.case import Case
from ioc.model.reading import Reading
from ioc.settings import VIETNAM
from ioc.store import Store, apply_cases, apply_panes
from ioc.store.roll_up import roll_up
from ioc.store.store import transaction
from ioc.wire.schemas import cases_batch, readings_batch
from streams.reduce import reduce
from tests.support.evaluation_centre import NOW, PACK, PROVINCE, EvaluationCentre, by_kpi_and_unit

DAY = timedelta(days=1)
LAST_MONTH = NOW - timedelta(days=30)
YESTERDAY = NOW - DAY


@dataclass
class Desk:
    """A centre with a restater, whose clock a test moves."""

    centre: EvaluationCentre
    restater: Restater
    now: datetime = NOW

    def settle(self, passes: timedelta = QUIET_FOR + LULL) -> None:
        """Let time pass, and the restater do all there is to do."""
        self.now += passes
        for _ in range(10_000):
            if not self.restater.step(self.now):
                return
        raise AssertionError("the work does not end")

    def read(self, measure: str, at: datetime, *values: float, unit: str = "", source: str = "meter") -> None:
        readings = [Reading(measure, unit or self.unit, at + timedelta(seconds=n), v) for n, v in enumerate(values)]
        reduced = reduce(readings_batch(readings), self.centre.catalog.vocabulary, to_ms(self.now))
        assert reduced.applied == len(values)
        apply_panes(self.centre.store, reduced.panes, applied_at=self.now, source=source)

    def hear(self, case: Case, source: str = "one-stop-shop") -> None:
        apply_cases(self.centre.store, cases_batch([case], [None]), applied_at=self.now, source=source)

    @property
    def unit(self) -> str:
        return self.centre.communes[0]

    def records(self, kpi: str, unit: str = "") -> list[dict[str, Any]]:
        return rows(self.centre.store, "restatements", kpi, unit or self.unit)

    def published(self, kpi: str, unit: str = "") -> list[dict[str, Any]]:
        return rows(self.centre.store, "published_periods", kpi, unit or self.unit)


def rows(store: Store, table: str, kpi: str, unit: str) -> list[dict[str, Any]]:
    with store.cursor() as cursor:
        order = "restated_at, period_from" if table == "restatements" else "period_from"
        found = cursor.execute(f"SELECT * FROM {table} WHERE kpi = ? AND unit = ? ORDER BY {order}", [kpi, unit])
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def desk_of(centre: EvaluationCentre) -> Desk:
    return Desk(centre, Restater(centre.store, VIETNAM, lambda: centre.catalog))


@pytest.fixture
def desk(centre: EvaluationCentre) -> Desk:
    """Of the test's own KPIs alone."""
    ours(centre)
    return desk_of(centre)


def ours(centre: EvaluationCentre) -> None:
    kpis = {kpi: definition for kpi, definition in centre.catalog.kpis.items() if kpi.startswith(("t.", "job.", "f."))}
    centre.catalog = replace(centre.catalog, kpis=kpis)


def test_a_late_reading_restates_what_it_changes_and_nothing_else(desk: Desk) -> None:
    unit, other = desk.centre.communes[:2]
    for day in range(1, 4):
        desk.read("t.count", NOW - day * DAY, 10.0, unit=unit)
        desk.read("t.count", NOW - day * DAY, 4.0, unit=other)
    desk.settle()
    desk.settle()
    assert [row["value"] for row in desk.published("t.sum_today")] == [10, 10, 10]
    assert desk.records("t.sum_today") == []
    published_at = desk.published("t.sum_today")[1]["published_at"]
    desk.now += timedelta(minutes=5)
    desk.read("t.count", NOW - 2 * DAY, 1.0, 2.0, unit=unit)
    desk.settle(LULL)
    [record] = desk.records("t.sum_today")
    day_from = datetime.fromisoformat("2026-11-19T17:00")
    assert (record["period"], record["period_from"], record["period_to"]) == ("day", day_from, day_from + DAY)
    assert (record["value_before"], record["value_after"]) == (10, 13)
    assert (record["samples_before"], record["samples_after"], record["samples_late"]) == (1, 3, 2)
    assert (record["cause"], record["published_at"]) == ("data", published_at)
    assert record["restated_at"] == desk.now.astimezone(UTC).replace(tzinfo=None)
    assert orjson.loads(record["batches"]) == [
        {"source": "meter", "topic": "ioc.readings.v1", "partition": 0, "from_offset": 0, "to_offset": 1, "samples": 2}
    ]
    [province] = desk.records("t.sum_today", PROVINCE)
    assert (province["value_before"], province["value_after"]) == (14, 17)
    assert desk.records("t.sum_today", other) == []
    assert desk.records("t.sum_month") == [], "the month is not over"
    assert [row["value"] for row in desk.published("t.sum_today")] == [10, 13, 10]


def test_a_correction_restates_days_and_months_that_were_rolled_up(desk: Desk) -> None:
    """File 1 says 200, file 2 says 250; file 1 dropped again takes it back."""
    centre = desk.centre
    sent = [Reading("t.count", desk.unit, at, 200.0) for at in (YESTERDAY, LAST_MONTH)]

    def restated(kpi: str) -> list[tuple[float, float, int, int]]:
        names = ("value_before", "value_after", "samples_before", "samples_after")
        return [tuple(row[name] for name in names) for row in desk.records(kpi)]

    centre.correct(*sent, now=desk.now)
    with centre.store.cursor() as cursor, transaction(cursor, centre.store.path):
        roll_up(cursor, centre.store.zone_hours, oldest_minute=0)
    desk.settle()
    desk.settle()
    centre.correct(*(replace(r, value=250.0) for r in sent), now=desk.now)
    desk.settle(LULL)
    assert restated("t.sum_today") == restated("t.sum_month") == [(200, 250, 1, 1)]
    assert {row["cause"] for row in desk.records("t.sum_month")} == {"data"}
    [batch] = orjson.loads(desk.records("t.sum_month")[0]["batches"])
    assert (batch["source"], batch["samples"]) == ("statistics", 2)
    centre.correct(*sent, *sent, now=desk.now)
    desk.settle(LULL)
    assert restated("t.sum_month")[1:] == [(250, 200, 1, 1)]
    centre.correct(*sent, now=desk.now)
    desk.settle(LULL)
    assert len(desk.records("t.sum_month")) == 2, "a repeat restates nothing"


@pytest.mark.parametrize(
    ("kpi", "period"),
    [
        pytest.param("t.sum_month", "month", id="month"),
        pytest.param("t.mean_quarter", "quarter", id="quarter"),
        pytest.param("t.stddev_year", "year", id="year"),
    ],
)
def test_every_kind_of_period(desk: Desk, kpi: str, period: str) -> None:
    at = {"month": LAST_MONTH, "quarter": datetime(2026, 9, 2, 5, tzinfo=UTC), "year": datetime(2025, 5, 5, tzinfo=UTC)}
    measure = "t.count" if kpi == "t.sum_month" else "t.level"
    desk.read(measure, at[period], 1.0, 2.0)
    desk.settle()
    desk.settle()
    desk.read(measure, at[period], 6.0)
    desk.settle(LULL)
    assert [(row["period"], row["cause"]) for row in desk.records(kpi)] == [(period, "data")]


def test_a_first_load_of_history_restates_nothing(desk: Desk) -> None:
    """Pauses shorter than QUIET do not matter, even when the restater runs between batches."""
    for day in range(6, 0, -1):
        for part in range(3):
            desk.read("t.count", NOW - day * DAY + timedelta(hours=part), 1.0, source="history")
            desk.hear(job(day * 3 + part, NOW - day * DAY), source="history")
            desk.settle(QUIET_FOR / 2)
    desk.settle()
    desk.settle()
    assert {row["value"] for row in desk.published("t.sum_today")} == {3.0}
    assert desk.published("job.received_today")[-1]["value"] == 3
    with desk.centre.store.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM restatements").fetchone() == (0,)


def test_a_new_sources_past_is_published_when_it_is_through(desk: Desk) -> None:
    """Another measure was published long ago; that does not make this load a correction."""
    desk.read("t.level", YESTERDAY, 1.0)
    desk.settle()
    desk.settle()
    for _ in range(4):
        desk.read("t.count", YESTERDAY, 5.0, source="new")
        desk.settle(QUIET_FOR / 2)
    assert desk.published("t.sum_today") == []
    desk.settle()
    assert [row["value"] for row in desk.published("t.sum_today")] == [20]
    assert desk.records("t.sum_today") == []


def test_data_under_way_when_a_day_ends_is_no_correction(desk: Desk) -> None:
    midnight = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
    desk.now = midnight - timedelta(minutes=10)
    desk.read("t.count", desk.now, 1.0)
    desk.settle()
    desk.now = midnight + timedelta(minutes=1)
    desk.read("t.count", midnight - timedelta(seconds=30), 2.0)
    desk.settle()
    assert desk.published("t.sum_today") == []
    desk.settle(SETTLES_AFTER)
    assert [row["value"] for row in desk.published("t.sum_today")] == [3]
    assert desk.records("t.sum_today") == []


def job(number: int, received_at: datetime, **more: Any) -> Case:
    return replace(Case("job", f"J{number}", "", "open", received_at, received_at), **{"unit": "19753", **more})


def test_a_corrected_case_restates_the_month_it_belongs_to(desk: Desk) -> None:
    """Closed on a day of last month, entered only today."""
    unit = desk.unit
    done = LAST_MONTH + timedelta(hours=5)
    for number in range(3):
        opened = job(number, LAST_MONTH, unit=unit, due_at=done)
        desk.hear(opened)
        if number:
            desk.hear(replace(opened, status="done", closed_at=done - timedelta(hours=1), updated_at=done))
    desk.settle()
    desk.settle()
    assert [(row["value"], row["samples"]) for row in desk.published("job.on_time")] == [(100, 2)]
    late = job(0, LAST_MONTH, unit=unit, due_at=done, status="done", closed_at=done + timedelta(hours=2))
    desk.hear(replace(late, updated_at=desk.now))
    desk.settle(LULL)
    [record] = desk.records("job.on_time")
    assert (record["period"], record["samples_before"], record["samples_after"]) == ("month", 2, 3)
    assert (record["value_before"], record["value_after"]) == (100, pytest.approx(200 / 3))
    assert [batch["source"] for batch in orjson.loads(record["batches"])] == ["one-stop-shop"]


def test_a_state_of_a_past_moment_is_not_restated_by_what_happens_later(desk: Desk) -> None:
    """`f.per_job` of a past day divides by what was received that day; that a job is settled today changes nothing."""
    opened = job(1, YESTERDAY, unit=desk.unit)
    desk.hear(opened)
    desk.read("t.count", YESTERDAY, 8.0)
    desk.settle()
    desk.settle()
    assert [row["value"] for row in desk.published("f.per_job")] == [8]
    desk.hear(replace(opened, status="done", closed_at=desk.now, updated_at=desk.now))
    desk.settle(LULL)
    assert desk.records("f.per_job") == []
    assert desk.records("job.received_today") == []


def test_a_formula_is_restated_through_its_parts(desk: Desk) -> None:
    desk.hear(job(1, YESTERDAY, unit=desk.unit))
    desk.read("t.count", YESTERDAY, 8.0)
    desk.settle()
    desk.settle()
    desk.read("t.count", YESTERDAY, 1.0)
    desk.settle(LULL)
    [record] = desk.records("f.per_job")
    assert (record["value_before"], record["value_after"], record["samples_late"]) == (8, 9, 1)


def test_a_changed_definition_restates_with_both_versions(desk: Desk) -> None:
    desk.read("t.count", YESTERDAY, 8.0, 2.0)
    desk.settle()
    desk.settle()
    old = desk.centre.catalog.kpis["t.sum_today"].version
    at = PACK.index('id = "t.sum_today"')
    desk.centre.redefine(PACK[:at] + PACK[at:].replace('take = "sum"', 'take = "max"', 1))
    ours(desk.centre)
    desk.settle(LULL)
    [record] = desk.records("t.sum_today")
    new = desk.centre.catalog.kpis["t.sum_today"].version
    assert (record["cause"], record["version_before"], record["version_after"]) == ("definition", old, new)
    assert (record["value_before"], record["value_after"], record["samples_late"]) == (10, 8, 0)
    assert [row["definition_version"] for row in desk.published("t.sum_today")] == [new]
    desk.settle(LULL)
    assert len(desk.records("t.sum_today")) == 1


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(n, id=f"stopped after {n} steps", marks=marks)
        for n, marks in (
            (0, pytest.mark.soak),
            (1, pytest.mark.soak),
            (2, ()),
            (5, pytest.mark.soak),
            (200, pytest.mark.soak),
        )
    ],
)
def test_a_restater_that_ends_anywhere_leaves_one_record_a_change(desk: Desk, steps: int) -> None:
    """A new restater over the reopened store finishes what the first left, and repeats nothing."""
    for day in range(1, 4):
        desk.read("t.count", NOW - day * DAY, 10.0)
        desk.read("t.level", NOW - day * DAY, 1.0)
    desk.settle()
    desk.settle()
    for day in (1, 2):
        desk.read("t.count", NOW - day * DAY, 5.0)
    desk.now += LULL
    for _ in range(steps):
        desk.restater.step(desk.now)
    desk.centre.store.reopen()
    again = desk_of(desk.centre)
    again.now = desk.now
    again.settle(LULL)
    assert [(row["value_before"], row["value_after"]) for row in again.records("t.sum_today")] == [(10, 15), (10, 15)]
    with again.centre.store.cursor() as cursor:
        repeated = "SELECT count(*) FROM restatements GROUP BY kpi, unit, period_from HAVING count(*) > 1"
        assert cursor.execute(repeated).fetchall() == []
        assert cursor.execute("SELECT count(*) FROM late_batches").fetchone() == (0,)


def test_a_write_that_fails_leaves_neither_half(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.read("t.count", YESTERDAY, 10.0)
    desk.settle()
    desk.settle()
    desk.read("t.count", YESTERDAY, 5.0)
    with monkeypatch.context() as broken:
        broken.setattr("ioc.evaluation.restater.restate", _fails)
        with pytest.raises(StoreUnavailable, match="cut"):
            desk.settle(LULL)
    assert [row["value"] for row in desk.published("t.sum_today")] == [10]
    desk.settle(LULL)
    assert [row["value"] for row in desk.published("t.sum_today")] == [15]
    assert len(desk.records("t.sum_today")) == 1


def _fails(*_: Sequence[object]) -> None:
    raise OSError("cut")


def test_a_second_change_has_a_record_of_its_own(desk: Desk) -> None:
    desk.read("t.count", YESTERDAY, 10.0)
    desk.settle()
    desk.settle()
    for extra in (5.0, 7.0):
        desk.read("t.count", YESTERDAY, extra)
        desk.settle(LULL)
    told = [(row["value_before"], row["value_after"], row["samples_late"]) for row in desk.records("t.sum_today")]
    assert told == [(10, 15, 1), (15, 22, 1)]


def test_values_carry_the_mark(desk: Desk) -> None:
    evaluator = Evaluator(desk.centre.catalog, desk.centre.store, VIETNAM, restated=desk.restater.restated)
    desk.read("t.count", YESTERDAY, 10.0)
    desk.settle()
    desk.settle()
    assert not any(value.restated_at for value in evaluator.evaluate(Changes(), desk.now))
    desk.read("t.count", YESTERDAY, 5.0)
    desk.settle(LULL)
    told = by_kpi_and_unit(evaluator.evaluate(Changes(), desk.now))
    assert told["t.sum_today", desk.unit].restated_at == desk.now
    assert told["t.sum_today", PROVINCE].restated_at == desk.now
    assert told["t.sum_today", desk.centre.communes[1]].restated_at is None
    desk.settle(DAY)
    assert by_kpi_and_unit(evaluator.evaluate(Changes(), desk.now))["t.sum_today", desk.unit].restated_at is None
