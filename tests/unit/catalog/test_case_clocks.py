"""Clocks of case types, and durations in working days, as packs write them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from ioc.catalog import load
from ioc.catalog.toml_table import CatalogInvalid
from ioc.model.case import CaseClock
from ioc.model.kpi import CaseTime

PACK = """
[sector]
id = "own"
name = {{ vi = "R", en = "O" }}
[[case_type]]
id = "job"
name = {{ vi = "V", en = "J" }}
statuses = ["open", "asked", "done"]
attributes = ["cost"]
{clock}
[[kpi]]
id = "own.kpi"
name = {{ vi = "K", en = "K" }}
unit_of_measure = "ngày"
window = "month"
duration = {{ of = "job", since = "received_at", until = "closed_at", at = "deadline_at", where = "pauses < 2", take = "mean", per = "{per}" }}
basis = "b"
"""  # noqa: E501 - an inner table of TOML is one line
CLOCK = 'clock = "working"\npauses_in = ["asked"]\ndue_in = 15'


def written(folder: Path, clock: str = CLOCK, per: str = "1wd") -> Path:
    (folder / "own.toml").write_text(PACK.format(clock=clock, per=per), encoding="utf-8")
    return folder


def test_a_clock(tmp_path: Path) -> None:
    catalog = load("46", written(tmp_path))
    assert catalog.vocabulary.case_types["job"].clock == CaseClock(True, ("asked",), 15)
    kpi = catalog.kpis["own.kpi"]
    assert isinstance(kpi.expression, CaseTime)
    assert (kpi.expression.per, kpi.expression.working) == (timedelta(days=1), True)
    plain = load("46", written(tmp_path, "", "3d")).kpis["own.kpi"]
    assert isinstance(plain.expression, CaseTime)
    assert (plain.expression.per, plain.expression.working) == (timedelta(days=3), False)


def test_another_clock_is_another_version(tmp_path: Path) -> None:
    versions = {
        load("46", written(tmp_path, clock)).kpis["own.kpi"].version
        for clock in (CLOCK, CLOCK.replace("15", "10"), CLOCK.replace("working", "calendar"), "")
    }
    assert len(versions) == 4


@pytest.mark.parametrize(
    ("clock", "per", "field", "words"),
    [
        pytest.param('clock = "office"', "1wd", "clock", "one of calendar, working", id="unknown clock"),
        pytest.param('pauses_in = ["ask"]', "1wd", "pauses_in", "did you mean 'asked'", id="unknown status"),
        pytest.param("due_in = 0", "1wd", "due_in", "from 1 to", id="due at once"),
        pytest.param('due_in = "15"', "1wd", "due_in", "whole number", id="days as text"),
        pytest.param(CLOCK, "0wd", "duration.per", "is not a duration", id="no working day"),
    ],
)
def test_faults(tmp_path: Path, clock: str, per: str, field: str, words: str) -> None:
    with pytest.raises(CatalogInvalid) as raised:
        load("46", written(tmp_path, clock, per))
    fault = raised.value.faults[0]
    assert fault.field == field
    assert words in fault.message
