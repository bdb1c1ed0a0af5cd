"""Read test cases of rules, from files that a pack's author writes.

[[case]]
name = "dust that stays above the limit"
rule = "pm25-high"
start = "2026-11-23T08:00:00+07:00"     # optional
step = "1m"
series = { "air.pm25_mean_24h" = "30x10 50x40 44x5 30x20" }   # also 5+2x3, _x3, stale, few
expect = [{ at = "5m", state = "normal" }, { at = "11m", state = "pending" }, { at = "41m", state = "firing" }]
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ioc.catalog.packs import read_toml
from ioc.catalog.schedules import read_moment
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault, TomlTable, closest
from ioc.messages import Message
from ioc.model.alert import ConditionState
from ioc.model.rule import Deviation, Rule, leaves
from ioc.model.rule_case import CaseSeries, Expected, RuleCase, SeriesInvalid

_START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
"""A Monday, 8:00 in the province."""
_MINUTE = timedelta(minutes=1)
_MS = timedelta(milliseconds=1)


def read_cases(path: Path, rules: Mapping[str, Rule]) -> list[RuleCase]:
    """Return the cases in the order of the file. Raises CatalogInvalid with every fault found."""
    faults: list[DefinitionFault] = []
    data = read_toml(path, faults)
    whole = TomlTable("", data, {}, str(path), faults)
    cases = [_case(inner, number, rules) for number, inner in enumerate(whole.tables("case"), 1)]
    whole.finish(["case"])
    if not cases and not faults:
        whole.fault("case", Message("cases_missing"))
    if faults:
        raise CatalogInvalid(faults)
    return cases


def _case(row: TomlTable, number: int, rules: Mapping[str, Rule]) -> RuleCase:
    name = row.text("name", f"case {number}")
    row.subject = name
    rule_id = row.text("rule")
    if rule_id and rule_id not in rules:
        row.fault("rule", Message("unknown_rule", given=rule_id, nearest=closest(rule_id, rules)))
    parts = list(leaves(rules[rule_id].condition)) if rule_id in rules else []
    kpis = {leaf.kpi for leaf in parts}
    start = read_moment(row, "start") if row.has("start") else _START
    step = row.duration("step") or _MINUTE
    case = RuleCase(
        name=name,
        rule=rule_id,
        start_ms=round((start or _START).timestamp() * 1000),
        step_ms=step // _MS,
        series=_series(row.table("series"), kpis),
        expected=tuple(_expected(inner) for inner in row.tables("expect")),
        usual=_usual(row.table("usual"), kpis) if row.has("usual") else {},
        samples=row.whole("samples", 1_000_000, 0, 1_000_000_000),
    )
    if not case.expected:
        row.fault("expect", Message("expect_empty"))
    for leaf in parts:
        if leaf.kpi not in case.series and row.sound:
            row.fault("series", Message("case_without_kpi", kpi=leaf.kpi))
        if isinstance(leaf, Deviation) and leaf.kpi not in case.usual:
            row.fault("usual", Message("usual_missing", kpi=leaf.kpi))
    row.finish(["expect"])
    return case


def _series(row: TomlTable, kpis: set[str]) -> dict[str, CaseSeries]:
    series = {}
    for kpi in row.data:
        text = row.text(kpi)
        if kpi not in kpis:
            row.fault(kpi, Message("rule_not_about", nearest=closest(kpi, kpis), given=kpi))
            continue
        try:
            series[kpi] = CaseSeries.parse(text)
        except SeriesInvalid as fault:
            row.fault(kpi, fault.message)
    return series


def _expected(row: TomlTable) -> Expected:
    text = row.text("at")
    at = timedelta() if text in ("0", "0s", "0m") else row.duration("at", required=True)
    state = row.choice("state", [state.value for state in ConditionState])
    quiet = row.flag("quiet") if row.has("quiet") else None
    row.finish()
    return Expected((at or timedelta()) // _MS, ConditionState(state or ConditionState.NORMAL), quiet)


def _usual(row: TomlTable, kpis: set[str]) -> dict[str, tuple[float, float]]:
    usual = {}
    for kpi in row.data:
        inner = row.table(kpi)
        usual[kpi] = (inner.number("median") or 0.0, inner.number("mad") or 0.0)
        inner.finish()
        if kpi not in kpis:
            row.fault(kpi, Message("rule_not_about", nearest=closest(kpi, kpis), given=kpi))
    return usual
