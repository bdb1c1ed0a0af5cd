"""Read rules and procedures from the packs; the province's (`overlay/*.toml`) change them field by field."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ioc.catalog.catalog import Catalog
from ioc.catalog.packs import Entry, read_packs, subject_of
from ioc.catalog.rule_conditions import CONDITIONS, read_condition
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault, TomlTable, closest
from ioc.messages import Message
from ioc.model.matcher import LABEL_NAME
from ioc.model.procedure import Procedure, ProcedureStep
from ioc.model.rule import RESERVED_LABELS, ActiveHours, DataLack, Lack, Rule, Severity, leaves
from ioc.model.unit import UnitLevel

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
UNITS = {"province": UnitLevel.PROVINCE, "communes": UnitLevel.COMMUNE, "departments": UnitLevel.DEPARTMENT}
_ID_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")
_MAX_HOLD = timedelta(days=7)


@dataclass(frozen=True)
class Rules:
    """Rules and procedures by id.

    `fields` are the rules as written; `left_out` says why changed rules are not in force.
    """

    rules: Mapping[str, Rule]
    procedures: Mapping[str, Procedure]
    fields: Mapping[str, Mapping[str, Any]]
    left_out: tuple[DefinitionFault, ...] = ()


_NOTHING: Mapping[str, Any] = MappingProxyType({})
CONSOLE = "console"
"""Name of the file of a rule that was written in the console."""


def load_rules(
    catalog: Catalog, overlay: Path | None = None, changed: Mapping[str, Mapping[str, Any] | None] = _NOTHING
) -> Rules:
    """Load all rules and procedures in force.

    `changed` are the fields of rules that replace the packs' rules as a whole; None removes a rule. A changed rule that
    no longer fits the catalogue is left out; any other fault refuses all.
    Raises CatalogInvalid with every fault found.
    """
    faults: list[DefinitionFault] = []
    left_out: list[DefinitionFault] = []
    entries = read_packs(catalog.province.code, overlay, faults).entries
    procedures = {}
    for procedure_id, entry in entries["procedure"].items():
        procedures[procedure_id] = read_procedure(entry.row(subject_of("procedure", procedure_id), faults))
    written = dict(entries["rule"])
    for rule_id, given in changed.items():
        written.pop(rule_id, None)
        if given is not None:
            written[rule_id] = Entry(CONSOLE, "", dict(given))
    rules, fields = {}, {}
    for rule_id, entry in written.items():
        found = left_out if entry.file == CONSOLE else faults
        rule = read_rule(entry.row(subject_of("rule", rule_id), found), catalog, procedures)
        if rule is not None:
            rules[rule_id], fields[rule_id] = rule, entry.data
    if faults:
        raise CatalogInvalid(faults)
    return Rules(rules, procedures, fields, tuple(left_out))


def check_rule(catalog: Catalog, procedures: Mapping[str, Procedure], fields: Mapping[str, Any]) -> Rule:
    """Return the rule with these fields. Raises CatalogInvalid with every fault found."""
    faults: list[DefinitionFault] = []
    row = Entry(CONSOLE, "", dict(fields)).row(subject_of("rule", str(fields.get("id", ""))), faults)
    rule = read_rule(row, catalog, procedures)
    if rule is None:
        raise CatalogInvalid(faults)
    return rule


def read_procedure(row: TomlTable) -> Procedure:
    """Read a procedure; steps without an id are numbered."""
    steps: list[ProcedureStep] = []
    for number, inner in enumerate(row.tables("step"), 1):
        step_id = inner.text("id", str(number))
        if any(step.id == step_id for step in steps):
            inner.fault("id", Message("step_twice", given=step_id))
        steps.append(ProcedureStep(step_id, {language: inner.text(language) for language in ("vi", "en")}))
        inner.finish()
    if not steps:
        row.fault("step", Message("no_steps"))
    procedure = Procedure(_id(row), row.names("name"), tuple(steps), row.text("basis", ""))
    row.finish(["step"])
    return procedure


def read_rule(row: TomlTable, catalog: Catalog, procedures: Mapping[str, Procedure]) -> Rule | None:
    """Read a rule, from a pack or from the console's JSON; None when it is faulty."""
    if row.has("kpi"):
        row.text("kpi")
    condition = read_condition(row, catalog.kpis)
    rule_id, name = _id(row), row.names("name")
    severity = row.choice("severity", [severity.value for severity in Severity])
    units = _units(row, catalog)
    held_for, keep_firing_for = _hold(row, "held_for"), _hold(row, "keep_firing_for")
    least_samples = row.whole("least_samples", 0, 0, 1_000_000_000)
    active = tuple(hours for inner in row.tables("active") if (hours := read_hours(inner)) is not None)
    labels, procedure = _labels(row), row.text("procedure", "")
    owner, latching = row.text("owner", ""), row.flag("latching")
    if procedure and procedure not in procedures:
        row.fault("procedure", Message("unknown_procedure", given=procedure, nearest=closest(procedure, procedures)))
    row.finish([*CONDITIONS, "active"])
    if condition is None:
        return None
    for leaf in leaves(condition):
        if isinstance(leaf, DataLack) and leaf.lack is Lack.MISSING and least_samples:
            row.fault("least_samples", Message("samples_of_missing"))
        levels = catalog.kpis[leaf.kpi].per
        if isinstance(units, UnitLevel) and units not in levels:
            row.fault("units", Message("units_without_values", kpi=leaf.kpi, level=units, levels=", ".join(levels)))
    if not row.sound:
        return None
    sector = catalog.kpis[next(leaves(condition)).kpi].sector
    held = (held_for, keep_firing_for, least_samples, latching)
    version = sha256(repr((condition, units, severity, held, active)).encode()).hexdigest()[:8]
    return Rule(
        id=rule_id,
        name=name,
        sector=sector,
        condition=condition,
        units=units,
        severity=Severity(severity),
        version=version,
        held_for=held_for,
        keep_firing_for=keep_firing_for,
        least_samples=least_samples,
        active=active,
        labels=labels,
        procedure=procedure,
        owner=owner,
        latching=latching,
    )


def read_hours(row: TomlTable) -> ActiveHours | None:
    """Read `{ days = "working" | ["mon", …], since = "07:30", until = "17:00" }`; at least one must be there."""
    weekdays, working = frozenset(range(7)), False
    if not row.data:
        row.fault("", Message("says_nothing"))
    if row.has("days") and row.data["days"] == "working":
        row.skip("days")
        working = True
    elif row.has("days"):
        weekdays = read_weekdays(row)
    since, until = read_clock(row, "since"), read_clock(row, "until")
    row.finish()
    return None if since is None or until is None else ActiveHours(since, until, weekdays, working)


def read_weekdays(row: TomlTable) -> frozenset[int]:
    """Read the field `days`: names of weekdays."""
    words = row.texts("days", required=True)
    for word in words:
        if word not in WEEKDAYS:
            row.fault("days", Message("no_weekday", given=word, nearest=closest(word, WEEKDAYS), known=list(WEEKDAYS)))
    return frozenset(WEEKDAYS.index(word) for word in words if word in WEEKDAYS)


def read_clock(row: TomlTable, field: str) -> time | None:
    """Read a time of day such as "07:30"; midnight when it is missing, None when it is faulty."""
    text = row.text(field, "00:00")
    try:
        return time.fromisoformat(text)
    except ValueError:
        row.fault(field, Message("no_clock", given=text))
        return None


def _id(row: TomlTable) -> str:
    text = row.text("id")
    if not text[:1].isalpha() or not set(text) <= _ID_CHARACTERS or len(text) > 80:
        row.fault("id", Message("no_rule_id", given=text))
    return text


def _units(row: TomlTable, catalog: Catalog) -> UnitLevel | tuple[str, ...]:
    """Read the field `units`; the province when it is missing."""
    if not isinstance(row.data.get("units"), list):
        word = row.choice("units", list(UNITS), "province")
        return UNITS.get(word, UnitLevel.PROVINCE)
    codes = row.texts("units", required=True)
    for code in codes:
        if code not in catalog.vocabulary.units:
            province = catalog.province.name
            row.fault("units", Message("unknown_unit", given=code, province=province))
    return codes


def _hold(row: TomlTable, field: str) -> timedelta:
    if row.data.get(field) in ("0s", "0m", "0h", "0d", "0", 0):
        row.fault(field, Message("zero_length"))
        row.skip(field)
        return timedelta()
    length = row.duration(field) or timedelta()
    if length > _MAX_HOLD:
        row.fault(field, Message("too_long", most="7d"))
    return length


def _labels(row: TomlTable) -> dict[str, str]:
    if not row.has("labels"):
        return {}
    inner = row.table("labels")
    labels = {}
    for name, value in inner.data.items():
        inner.skip(name)
        if not LABEL_NAME.match(name):
            inner.fault(name, Message("no_label", given=name))
        elif name in RESERVED_LABELS:
            inner.fault(name, Message("reserved_label", given=name))
        elif not isinstance(value, str) or not value or len(value) > 200:
            inner.fault(name, Message("no_label_value"))
        else:
            labels[name] = value
    return labels
