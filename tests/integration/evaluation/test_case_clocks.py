"""KPIs by the clocks of cases, now and in the past, against a count in plain Python, day by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from ioc.model.case import Case, CaseClock
from ioc.settings import VIETNAM
from tests.support.evaluation_centre import PROVINCE, EvaluationCentre
from tests.support.recount_clocks import clock_says, day_of, days_between, end_of, holding, later

NOW = datetime(2026, 9, 15, 9, 30, tzinfo=VIETNAM)
CLOCK = CaseClock(working=True, pauses_in=("supplement",), due_in=5)
PACK = """
[sector]
id = "clocks"
name = { vi = "Hạn", en = "Clocks" }
[[case_type]]
id = "file"
name = { vi = "Hồ sơ", en = "File" }
statuses = ["received", "processing", "supplement", "settled"]
clock = "working"
pauses_in = ["supplement"]
due_in = 5
"""
KPIS = {
    "on_time": ("year", 'ratio = { of = "file", at = "closed_at", where = "closed_at <= deadline_at and pauses <= 1", '
                'over = "closed_at is not null" }'),
    "overdue": ("now", 'count = { of = "file", where = "closed_at is null and deadline_at < now" }'),
    "slow": ("now", 'count = { of = "file", where = "working_days(received_at, coalesce(closed_at, now)) > 8" }'),
    "soon": ("now", 'count = { of = "file", where = "closed_at is null and deadline_at >= now and '
             'deadline_at <= add_working_days(now, 2)" }'),
    "due": ("month", 'count = { of = "file", at = "deadline_at", where = "true" }'),
    "days": ("year", 'duration = { of = "file", at = "closed_at", since = "received_at", until = "closed_at", '
             'where = "closed_at is not null", take = "mean", per = "1wd" }'),
    "age": ("now", 'age = { of = "file", since = "received_at", where = "closed_at is null", take = "max", '
            'per = "2wd" }'),
}  # fmt: skip


def pack() -> str:
    text = PACK
    for name, (window, expression) in KPIS.items():
        text += f'[[kpi]]\nid = "file.{name}"\nname = {{ vi = "{name}", en = "{name}" }}\nunit_of_measure = "x"\n'
        text += f'window = "{window}"\n{expression}\nbasis = "b"\n'
    return text


def files(chance: Random, units: Sequence[str], count: int) -> list[Case]:
    """Received since February: days off, swapped days, weekends and supplements lie in their time."""
    made: list[Case] = []
    for number in range(count):
        received = NOW - timedelta(minutes=chance.randrange(10, 215 * 1440))
        due = received + timedelta(hours=chance.randrange(30, 400)) if chance.random() < 0.4 else None
        version = Case("file", f"F-{number}", chance.choice(units), "received", received, received, due_at=due)
        made.append(version)
        for _ in range(chance.randrange(6)):
            moment = version.updated_at + timedelta(minutes=chance.randrange(1, 6 * 1440))
            status = chance.choice(["processing", "supplement", "supplement", "settled"])
            if moment >= NOW or version.status == "settled":
                break
            version = replace(
                version, status=status, updated_at=moment, closed_at=moment if status == "settled" else None
            )
            made.append(version)
    return made


def counted(versions: Sequence[Case], now: datetime, end: datetime) -> dict[str, float | None]:
    """The KPIs over the cases as they were before `now`; windows end at `end`."""
    of: dict[str, list[Case]] = {}
    for version in versions:
        if version.updated_at < now:
            of.setdefault(version.case_id, []).append(version)
    told = [(holding(own)[-1], *clock_says(holding(own), CLOCK)) for own in of.values()]
    still_open = [(case, deadline) for case, deadline, _ in told if case.closed_at is None]
    closed = [(case, case.closed_at, deadline, pauses) for case, deadline, pauses in told if case.closed_at is not None]
    local = (end - timedelta(milliseconds=1)).astimezone(VIETNAM)
    month = datetime(local.year, local.month, 1, tzinfo=VIETNAM)
    soon = end_of(later(day_of(now), 2))
    good = sum(bool(deadline and moment <= deadline and pauses <= 1) for _, moment, deadline, pauses in closed)
    return {
        "on_time": 100 * good / len(closed) if closed else None,
        "overdue": sum(bool(deadline and deadline < now) for _, deadline in still_open),
        "slow": sum(days_between(case.received_at, case.closed_at or now) > 8 for case, _, _ in told),
        "soon": sum(bool(deadline and now <= deadline <= soon) for _, deadline in still_open),
        "due": sum(bool(deadline and month <= deadline < end) for _, deadline, _ in told),
        "days": sum(days_between(case.received_at, moment) for case, moment, _, _ in closed) / len(closed)
        if closed
        else None,
        "age": max((days_between(case.received_at, now) / 2 for case, _ in still_open), default=None),
    }


def test_now_and_in_the_past(centre: EvaluationCentre) -> None:
    centre.redefine(pack())
    chance = Random(1)
    units = centre.communes[:2]
    made = files(chance, units, 150)
    arrivals = made + chance.sample(made, 30)
    chance.shuffle(arrivals)
    for start in range(0, len(arrivals), 100):
        values = centre.evaluated(centre.hear(*arrivals[start : start + 100]), NOW)
    end = NOW + timedelta(minutes=1)
    for unit, own in (
        (PROVINCE, made),
        (units[0], [version for version in made if version.unit == units[0]]),
    ):
        said = {name: values[f"file.{name}", unit].value for name in KPIS}
        assert said == pytest.approx(counted(own, NOW, end)), unit
        for step, days in ((timedelta(days=13), 195), (timedelta(hours=9), 4)):
            times = [NOW - timedelta(days=days) + step * place for place in range(1, timedelta(days=days) // step + 1)]
            expected = [counted(own, time, time) for time in times]
            for name in KPIS:
                points = centre.evaluator.history(f"file.{name}", unit, NOW - timedelta(days=days), NOW, step)
                assert [point.time for point in points] == times
                assert [point.value for point in points] == pytest.approx([told[name] for told in expected]), name


def test_a_new_clock_and_a_new_day_off_hold_at_once(centre: EvaluationCentre) -> None:
    centre.redefine(pack())
    received = datetime(2026, 9, 7, 9, 0, tzinfo=VIETNAM)
    changes = centre.hear(Case("file", "F", centre.communes[0], "received", received, received))
    overdue = ("file.overdue", PROVINCE)
    at = datetime(2026, 9, 15, 8, 0, tzinfo=VIETNAM)
    assert centre.evaluated(changes, at)[overdue].value == 1
    off = '[[day_off]]\nday = 2026-09-11\nname = { vi = "Bão", en = "Storm" }\nbasis = "quyết định của tỉnh"\n'
    (centre.folder / "calendar.toml").write_text(off, encoding="utf-8")
    centre.redefine(pack())
    assert centre.evaluated(now=at)[overdue].value == 0
    centre.redefine(pack().replace("due_in = 5", "due_in = 4"))
    assert centre.evaluated(now=at)[overdue].value == 1
