"""Rules of the packs: every fault named with file, rule and field; the province's rules over the package's."""

from datetime import time, timedelta
from pathlib import Path

import pytest

from ioc.catalog import Catalog, CatalogInvalid
from ioc.catalog.rule_cases import read_cases
from ioc.catalog.rules import load_rules
from ioc.model.rule import ActiveHours, AllOf, Change, Limits, Severity, Threshold, leaves
from ioc.model.unit import UnitLevel
from tests.support.catalogs import hue


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return hue()


def rule(*lines: str, rule_id: str = "own", condition: str = "fires_above = 10", kpi: str = "traffic.flow") -> str:
    head = ["[[rule]]", f'id = "{rule_id}"', 'name = { vi = "Luật", en = "Rule" }', f'kpi = "{kpi}"']
    severity = [] if any("severity" in line for line in lines) else ['severity = "high"']
    return "\n".join([*head, condition, *severity, *lines, ""])


FAULTS = [
    pytest.param(rule(kpi="traffic.flaw"), "kpi", "did you mean 'traffic.flow'", id="a KPI that does not exist"),
    pytest.param(rule(condition=""), "", "this one has none", id="no condition"),
    pytest.param(rule("stale = true"), "", "this one has stale, limits", id="two conditions"),
    pytest.param(rule("clears_below = 12"), "clears_below", "above the firing limit 10", id="clearing limit above"),
    pytest.param(
        rule("clears_above = 2", condition="fires_below = 5"),
        "clears_above",
        "below the firing limit 5",
        id="clearing limit below",
    ),
    pytest.param(rule("clears_above = 2"), "clears_above", "no fires_below", id="clearing limit of the other side"),
    pytest.param(rule(condition="clears_below = 2"), "fires_above", "is missing", id="clearing limit alone"),
    pytest.param(rule(condition="fires_outside = [5, 2]"), "fires_outside", "reversed", id="band upside down"),
    pytest.param(rule(condition="fires_outside = [5]"), "fires_outside", "not a band", id="half a band"),
    pytest.param(
        rule("clears_inside = [1, 9]", condition="fires_outside = [2, 8]"),
        "clears_inside",
        "above the firing limit 8",
        id="clearing band wider than the firing one",
    ),
    pytest.param(rule("fires_below = 12"), "fires_below", "every value would fire", id="limits that overlap"),
    pytest.param(rule('held_for = "0m"'), "held_for", "leave it out", id="held for nothing"),
    pytest.param(rule('held_for = "8d"'), "held_for", "longer than a week", id="held for ever"),
    pytest.param(rule('severity = "urgent"'), "severity", "one of critical, high", id="unknown severity"),
    pytest.param(rule('units = "villages"'), "units", "one of province", id="unknown units"),
    pytest.param(rule('units = ["99999"]'), "units", "not a unit of", id="unknown unit"),
    pytest.param(rule('units = "departments"'), "units", "no values of departments", id="units without values"),
    pytest.param(rule('procedure = "none"'), "procedure", "No procedure is called", id="unknown procedure"),
    pytest.param(rule('labels = { unit = "x" }'), "labels.unit", "already", id="label that every alert has"),
    pytest.param(rule('labels = { "a b" = "x" }'), "labels.a b", "not a valid label name", id="label with a blank"),
    pytest.param(rule("holds_for = 3"), "holds_for", "did you mean 'held_for'", id="unknown field"),
    pytest.param(rule('active = [{ days = ["monday"] }]'), "active[0].days", "not a weekday", id="unknown weekday"),
    pytest.param(rule('active = [{ since = "25:00" }]'), "active[0].since", "not a time of day", id="unknown hour"),
    pytest.param(rule("active = [{}]"), "active[0].", "is empty", id="hours that say nothing"),
    pytest.param(rule(condition="target_missed = true"), "target_missed", "no target", id="no target to miss"),
    pytest.param(
        rule(condition="stale = true", kpi="service.level3_share_last"),
        "stale",
        "never becomes stale",
        id="never stale",
    ),
    pytest.param(
        rule("least_samples = 5", condition="missing = true"), "least_samples", "leave it out", id="samples of nothing"
    ),
    pytest.param(
        rule(condition="change = { fires_above = 3 }"), "change.over", "is missing", id="change without a span"
    ),
    pytest.param(
        rule(condition='change = { over = "1h" }'), "change.fires_above", "is missing", id="change without a limit"
    ),
    pytest.param(
        rule(condition="deviation = { weeks = 1, fires_above = 3 }"), "deviation.weeks", "from 2", id="one week"
    ),
    pytest.param(rule(condition="all = [{ fires_above = 3 }]"), "all", "has 1 members", id="all of one"),
    pytest.param(
        rule(condition='any = [{ fires_above = 3 }, { kpi = "x", stale = true }]'),
        "any[1].kpi",
        "No KPI is called",
        id="member of an unknown KPI",
    ),
    pytest.param(rule(rule_id="Own"), "id", "is not a valid id", id="id with a capital"),
]


@pytest.mark.parametrize(("text", "field", "words"), FAULTS)
def test_a_fault_names_file_rule_and_field(tmp_path: Path, catalog: Catalog, text: str, field: str, words: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogInvalid) as raised:
        load_rules(catalog, tmp_path)
    [fault] = [fault for fault in raised.value.faults if words in fault.message]
    assert (fault.file, fault.field) == (str(path), field)
    assert fault.kpi in ("rule own", "rule Own")


def test_a_whole_rule(tmp_path: Path, catalog: Catalog) -> None:
    text = rule(
        'change = { over = "1h", fires_below = -5 }',
        'held_for = "5m"',
        'keep_firing_for = "2m"',
        "least_samples = 3",
        'units = "communes"',
        "latching = true",
        'labels = { team = "roads" }',
        'active = [{ days = "working", since = "07:30", until = "17:00" }, { days = ["sat"] }]',
        condition="",
    )
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    found = load_rules(catalog, tmp_path).rules["own"]
    assert found.condition == Change("traffic.flow", timedelta(hours=1), Limits(fires_below=-5))
    assert (found.held_for, found.keep_firing_for, found.least_samples) == (
        timedelta(minutes=5),
        timedelta(minutes=2),
        3,
    )
    assert (found.units, found.severity, found.latching, found.sector) == (
        UnitLevel.COMMUNE,
        Severity.HIGH,
        True,
        "traffic",
    )
    assert found.active[0] == ActiveHours(time(7, 30), time(17), working_days=True)
    assert found.active[1].weekdays == frozenset({5})


def test_the_province_overrides_single_fields(tmp_path: Path, catalog: Catalog) -> None:
    (tmp_path / "own.toml").write_text('[[rule]]\nid = "pm25-high"\nfires_above = 60\n', encoding="utf-8")
    ours, plain = load_rules(catalog, tmp_path).rules["pm25-high"], load_rules(catalog).rules["pm25-high"]
    assert ours.condition == Threshold("air.pm25_mean_24h", Limits(fires_above=60, clears_below=40))
    assert (ours.severity, ours.procedure) == (plain.severity, plain.procedure)
    assert ours.version != plain.version


def test_the_province_overrides_a_condition_of_another_kind(tmp_path: Path, catalog: Catalog) -> None:
    text = '[[rule]]\nid = "pm25-high"\nchange = { over = "3h", fires_above = 30 }\n'
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    assert isinstance(load_rules(catalog, tmp_path).rules["pm25-high"].condition, Change)


def test_the_package_s_rules_have_procedures(catalog: Catalog) -> None:
    found = load_rules(catalog)
    assert {rule.sector for rule in found.rules.values()} >= {
        "public_services",
        "integration",
        "petitions",
        "environment",
        "traffic",
    }
    assert all(rule.procedure in found.procedures for rule in found.rules.values())
    assert isinstance(found.rules["traffic-jam"].condition, AllOf)
    assert [leaf.kpi for leaf in leaves(found.rules["traffic-jam"].condition)] == ["traffic.speed_mean", "traffic.flow"]


@pytest.mark.parametrize(
    ("lines", "field", "words"),
    [
        pytest.param('rule = "pm25-hgh"', "rule", "did you mean 'pm25-high'", id="unknown rule"),
        pytest.param(
            'rule = "pm25-high"\nseries = { "air.pm25_mean_24h" = "5 x5" }',
            "series.air.pm25_mean_24h",
            "'x5' is not part",
            id="series with a blank too many",
        ),
        pytest.param(
            'rule = "pm25-high"\nseries = { "traffic.flow" = "5" }',
            "series.traffic.flow",
            "is not about",
            id="other KPI",
        ),
        pytest.param(
            'rule = "pm25-high"\nseries = { "air.pm25_mean_24h" = "5" }', "expect", "is empty", id="nothing expected"
        ),
        pytest.param(
            'rule = "pm25-high"\nexpect = [{ at = "5m", state = "on" }]',
            "expect[0].state",
            "one of normal",
            id="state",
        ),
    ],
)
def test_a_faulty_case_is_named(tmp_path: Path, catalog: Catalog, lines: str, field: str, words: str) -> None:
    path = tmp_path / "case.toml"
    path.write_text(f'[[case]]\nname = "one"\n{lines}\n', encoding="utf-8")
    with pytest.raises(CatalogInvalid) as raised:
        read_cases(path, load_rules(catalog).rules)
    [fault] = [fault for fault in raised.value.faults if words in fault.message]
    assert (fault.file, fault.kpi, fault.field) == (str(path), "one", f"case[0].{field}")
