"""`ioc rules`: the commands that a pack's author uses."""

import json
from pathlib import Path

import pytest

from tests.integration.alerts.command import ioc

CASES = sorted(Path(__file__).parents[3].glob("ioc/catalog/rules/cases/*.toml"))


CASE = """[[case]]
name = "too much room"
rule = "disk-full"
series = { "centre.disk_free" = "50x3" }
expect = [{ at = "2m", state = "firing" }]
"""


def test_the_package_s_cases_hold(tmp_path: Path) -> None:
    done = ioc(tmp_path, "rules", "test", *map(str, CASES), "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["failures"], answer["faults"]) == ([], [])
    assert answer["cases"] >= 15


def test_a_case_that_fails_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[[rule]]\nid = "pm25-high"\nfires_above = 60\n', encoding="utf-8")
    done = ioc(tmp_path, "rules", "test", str(next(path for path in CASES if path.stem == "environment")))
    assert done.returncode == 1
    sentences = done.stderr.splitlines()
    assert sentences[0] == (
        "dust above the standard for half an hour (pm25-high), after 5m: the alert is normal, pending was expected."
    )
    assert len(sentences) == 5


@pytest.mark.parametrize(
    ("command", "name", "text", "words"),
    [
        pytest.param(
            "catalog", "own.toml", '[[rule]]\nid = "pm25-high"\nclears_below = 90\n', "clears_below", id="rule"
        ),
        pytest.param("rules", "alerting/routing.toml", "[route]\nreceivers = []\n", "route.receivers", id="routing"),
        pytest.param(
            "catalog", "cases/own.toml", CASE, "rule disk-full · too much room · ", id="a case that does not hold"
        ),
        pytest.param(
            "rules", "cases/own.toml", CASE.replace("disk-full", "disk-ful"), "'disk-full'", id="a case of no rule"
        ),
        pytest.param("catalog", "displays/hall.toml", 'id = "hall"\n', "scene · is missing", id="display"),
        pytest.param("catalog", "reports/own.toml", 'id = "own"\nperiods = "x"\n', "reports/own.toml", id="report"),
        pytest.param("catalog", "open/open.toml", 'homepag = "x"\n', "homepag", id="open data"),
        pytest.param("catalog", "agencies.csv", "province,code\n46,H57.1\n", "line 2 · name", id="agencies"),
        pytest.param("catalog", "units.csv", "code,nam\n19753,x\n", "no column 'nam'", id="units"),
    ],
)
def test_check_names_the_fault(tmp_path: Path, command: str, name: str, text: str, words: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    done = ioc(tmp_path, command, "check")
    assert done.returncode == 1
    assert str(path) in done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_default_rule_may_be_changed_and_its_cases_still_hold_for_the_default(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[[rule]]\nid = "pm25-high"\nfires_above = 60\n', encoding="utf-8")
    whole, changed = ioc(tmp_path / "none", "catalog", "check", "--json"), ioc(tmp_path, "catalog", "check", "--json")
    assert (whole.returncode, changed.returncode) == (0, 0), changed.stderr
    assert json.loads(changed.stdout)["cases"] == json.loads(whole.stdout)["cases"]


def test_shipped_cases_run_against_shipped_definitions(tmp_path: Path) -> None:
    """A target of the province's own is no fault of the cases that were written for the package's."""
    (tmp_path / "own.toml").write_text(
        '[[kpi]]\nid = "dossier.on_time_rate"\ntarget = [{ year = 2025, at_least = 60, basis = "thử" }]\n',
        encoding="utf-8",
    )
    done = ioc(tmp_path, "catalog", "check")
    assert done.returncode == 0, done.stderr
