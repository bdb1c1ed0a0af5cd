from __future__ import annotations

import numpy as np
import pytest

from ioc.demo import calendar
from ioc.demo.habits import RunsLate
from ioc.demo.places import World
from ioc.demo.world import dossiers, petitions
from ioc.demo.world.cases import NEVER, RECEIVED, Cases
from tests.unit.demo.moments import at, day

NOW = "2026-11-23 08:42"


@pytest.fixture(scope="module")
def all_dossiers(world: World) -> Cases:
    return dossiers.dossiers(world, day("2026-08-01"), day("2026-11-24"))


@pytest.fixture(scope="module")
def all_petitions(world: World) -> Cases:
    return petitions.petitions(world, day("2026-08-01"), day("2026-11-24"))


def test_a_working_day_of_a_commune_has_20_to_60_dossiers(world: World, all_dossiers: Cases) -> None:
    working = calendar.is_working(all_dossiers.day) & (all_dossiers.day >= day("2026-09-01"))
    days = len(np.unique(all_dossiers.day[working]))
    a_day = np.bincount(all_dossiers.unit[working], minlength=len(world.units))[world.communes] / days
    assert len(a_day) == 40
    assert 17 < a_day.min() < a_day.max() < 70
    assert 28 < a_day.mean() < 35


def test_kpis_look_as_on_the_wall(all_dossiers: Cases) -> None:
    now, month = at(NOW), at("2026-11-01 00:00")
    received, closed = all_dossiers.step_ms[:, RECEIVED], all_dossiers.step_ms[:, all_dossiers.closing]
    is_open = (received < now) & (closed >= now)
    settled = (closed >= month) & (closed < now)
    of_month = (received >= month) & (received < now)
    assert 150 < (is_open & (all_dossiers.due_ms < now)).sum() < 250
    assert 0.955 < (closed <= all_dossiers.due_ms)[settled].mean() < 0.98
    assert 0.77 < (all_dossiers.channel == 0)[of_month].mean() < 0.81


def test_petitions_look_as_on_the_wall(all_petitions: Cases) -> None:
    open_at = []
    for back in range(0, 20, 4):
        now = at(NOW) - back * calendar.MS_A_DAY
        open_at.append(
            (
                (all_petitions.step_ms[:, RECEIVED] < now) & (all_petitions.step_ms[:, all_petitions.closing] >= now)
            ).sum()
        )
    assert 35 < np.mean(open_at) < 60


@pytest.mark.parametrize(
    ("name", "longest"), [("all_dossiers", dossiers.MAX_OPEN_DAYS), ("all_petitions", petitions.MAX_OPEN_DAYS)]
)
def test_lives_are_in_order(request: pytest.FixtureRequest, name: str, longest: int) -> None:
    cases: Cases = request.getfixturevalue(name)
    times = np.where(cases.step_ms == NEVER, np.nan, cases.step_ms)
    reached = np.fmax.accumulate(times, axis=1)
    assert (np.diff(reached, axis=1) >= 0).all()
    assert (cases.step_ms[:, cases.closing] > cases.step_ms[:, RECEIVED]).all()
    assert (cases.step_ms[:, cases.closing] - cases.step_ms[:, RECEIVED]).max() < longest * calendar.MS_A_DAY
    assert len(np.unique(np.column_stack((cases.unit, cases.day, cases.number)), axis=0)) == len(cases)


def test_nothing_is_settled_on_free_days(all_dossiers: Cases) -> None:
    closing_days = (all_dossiers.step_ms[:, all_dossiers.closing] + 7 * 3_600_000) // calendar.MS_A_DAY
    assert calendar.is_working(closing_days).all()


def test_days_made_apart_are_the_same_days(world: World, all_dossiers: Cases) -> None:
    alone = dossiers.dossiers(world, day("2026-11-23"), day("2026-11-24"))
    kept = np.flatnonzero(all_dossiers.day == day("2026-11-23"))
    assert [c.tolist() for c in alone.columns()] == [c.tolist() for c in all_dossiers.rows(kept).columns()]


def test_intervals_of_versions_neither_overlap_nor_leave_out(world: World, all_petitions: Cases) -> None:
    begin, middle, end = at("2026-11-16 00:00"), at("2026-11-18 10:07"), at("2026-11-21 00:00")
    late = RunsLate().seen_after_ms(world, all_petitions)
    assert late.min() >= 20 * 60_000
    assert late.max() < 40 * 60_000

    def seen(from_ms: int, to_ms: int) -> list[tuple[int, int]]:
        versions = all_petitions.versions(from_ms, to_ms, late)
        assert (np.diff(versions.seen_ms) >= 0).all()
        return list(zip(versions.row.tolist(), versions.step.tolist(), strict=True))

    assert seen(begin, middle) + seen(middle, end) == seen(begin, end)
    assert len(seen(begin, end)) > 100


def test_an_id_reads_as_in_the_contract(all_dossiers: Cases) -> None:
    row = int(np.flatnonzero(all_dossiers.day == day("2026-11-23"))[0])
    assert all_dossiers.case_id(row) == "H57.11-261123-0001"
