"""Read the condition of a rule, or of a member of `all` and `any`."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise

from ioc.catalog.toml_table import TomlTable, closest
from ioc.messages import Message
from ioc.model.kpi import KpiDefinition
from ioc.model.number_text import exact_text
from ioc.model.rule import (
    AllOf,
    AnyOf,
    Change,
    Condition,
    DataLack,
    Deviation,
    Lack,
    Limits,
    TargetMissed,
    Threshold,
)

LIMITS = ("fires_above", "fires_below", "fires_outside", "clears_below", "clears_above", "clears_inside")
KINDS = ("change", "deviation", "missing", "stale", "insufficient", "target_missed", "all", "any")
CONDITIONS = (*LIMITS, *KINDS)
"""The fields that make a condition; one kind at a time."""

_MAX_DEPTH = 3
_MAX_MEMBERS = 10
_MAX_CHANGE = timedelta(days=30)
_LACKS = {"missing": Lack.MISSING, "stale": Lack.STALE, "insufficient": Lack.INSUFFICIENT}


def read_condition(
    row: TomlTable, kpis: Mapping[str, KpiDefinition], kpi: str = "", depth: int = 0
) -> Condition | None:
    """Read a condition; None when it is faulty. `kpi` is the KPI of a member that names none itself."""
    if row.has("kpi"):
        kpi = row.text("kpi")
    kind = _kind(row)
    if not kind:
        return None
    if kind in ("all", "any"):
        return _members(row, kind, kpis, kpi, depth)
    if not kpi:
        row.fault("kpi", Message("kpi_missing"))
        return None
    if kpi not in kpis:
        row.fault("kpi", Message("unknown_kpi", given=kpi, nearest=closest(kpi, kpis)))
        return None
    return _about(row, kind, kpis[kpi])


def _kind(row: TomlTable) -> str:
    """Return the one kind of the condition, "limits" among them; empty, with a fault, if there is not exactly one."""
    kinds = [name for name in KINDS if row.has(name)]
    if any(row.has(name) for name in LIMITS):
        kinds.append("limits")
    if len(kinds) != 1:
        row.fault("", Message("one_condition", known=KINDS, kinds=kinds))
        for name in CONDITIONS:
            row.skip(name)
        return ""
    return kinds[0]


def _about(row: TomlTable, kind: str, definition: KpiDefinition) -> Condition:
    """Read a condition about one KPI."""
    kpi = definition.id
    if kind in _LACKS:
        if not row.flag(kind):
            row.fault(kind, Message("false_flag", kind=kind))
        if kind == "stale" and definition.fresh_within is None:
            row.fault(kind, Message("never_stale", kpi=kpi))
        return DataLack(kpi, _LACKS[kind])
    if kind == "target_missed":
        if not row.flag(kind):
            row.fault(kind, Message("false_flag", kind="target_missed"))
        if not definition.targets:
            row.fault(kind, Message("no_target", kpi=kpi))
        return TargetMissed(kpi)
    if kind == "change":
        return _change(row.table("change"), kpi)
    if kind == "deviation":
        return _deviation(row.table("deviation"), kpi)
    return Threshold(kpi, read_limits(row))


def read_limits(row: TomlTable) -> Limits:
    """Read the limits of a value, a change or a deviation.

    Faults are: no limit, a clearing limit without its firing limit or on its wrong side, and a reversed band.
    """
    above, below = row.number("fires_above"), row.number("fires_below")
    clears_below, clears_above = row.number("clears_below"), row.number("clears_above")
    if row.has("fires_outside"):
        if row.has("fires_above") or row.has("fires_below"):
            row.fault("fires_outside", Message("both_limits"))
        below, above = _band(row, "fires_outside")
    if row.has("clears_inside"):
        if not row.has("fires_outside"):
            row.fault("clears_inside", Message("clears_inside_alone"))
        clears_above, clears_below = _band(row, "clears_inside")
    elif row.has("fires_outside") and (row.has("clears_below") or row.has("clears_above")):
        name = "clears_below" if row.has("clears_below") else "clears_above"
        row.fault(name, Message("write_clears_inside"))
    if above is None and below is None and not any(map(row.has, ("fires_above", "fires_below", "fires_outside"))):
        row.fault("fires_above", Message("no_limit"))
    limits = Limits(above, below, clears_below, clears_above)
    _check_limits(row, limits)
    return limits


def _check_limits(row: TomlTable, limits: Limits) -> None:
    """Note faults of limits that contradict each other."""
    above, below = limits.fires_above, limits.fires_below
    clears_below, clears_above = limits.clears_below, limits.clears_above
    inside = row.has("clears_inside")
    if clears_below is not None:
        name = "clears_inside" if inside else "clears_below"
        if above is None:
            row.fault(name, Message("nothing_to_clear", limit="fires_above"))
        elif clears_below > above:
            row.fault(name, Message("clears_wrong_side", given=clears_below, limit=above, side="above"))
    if clears_above is not None:
        name = "clears_inside" if inside else "clears_above"
        if below is None:
            row.fault(name, Message("nothing_to_clear", limit="fires_below"))
        elif clears_above < below:
            row.fault(name, Message("clears_wrong_side", given=clears_above, limit=below, side="below"))
    if above is not None and below is not None and below >= above:
        name = "fires_outside" if row.has("fires_outside") else "fires_below"
        row.fault(name, Message("band_upside_down", low=below, high=above))


def _band(row: TomlTable, field: str) -> tuple[float | None, float | None]:
    """Read a band: its low and high limit; None, with a fault, when it is not one."""
    given = row.data[field]
    row.skip(field)
    numbers = isinstance(given, list) and len(given) == 2
    if not numbers or not all(isinstance(one, int | float) and not isinstance(one, bool) for one in given):
        row.fault(field, Message("no_band", given=repr(given)))
        return None, None
    if any(low >= high for low, high in pairwise(given)):
        row.fault(field, Message("band_backwards", given=given))
        return None, None
    return float(given[0]), float(given[1])


def _change(inner: TomlTable, kpi: str) -> Condition:
    over = inner.duration("over", required=True)
    if over is not None and over > _MAX_CHANGE:
        inner.fault("over", Message("change_too_long", most="30d"))
    condition = Change(kpi, over or timedelta(hours=1), read_limits(inner))
    inner.finish()
    return condition


def _deviation(inner: TomlTable, kpi: str) -> Condition:
    condition = Deviation(kpi, inner.whole("weeks", 4, 2, 52), read_limits(inner))
    inner.finish()
    return condition


def _members(row: TomlTable, kind: str, kpis: Mapping[str, KpiDefinition], kpi: str, depth: int) -> Condition | None:
    rows = row.tables(kind)
    row.skip(kind)
    if depth >= _MAX_DEPTH:
        row.fault(kind, Message("too_deep", most=_MAX_DEPTH))
        return None
    if not 2 <= len(rows) <= _MAX_MEMBERS:
        row.fault(kind, Message("members", given=len(rows), most=_MAX_MEMBERS, least=2))
    members = []
    for inner in rows:
        member = read_condition(inner, kpis, kpi, depth + 1)
        inner.finish(["kpi"])
        if member is not None:
            members.append(member)
    if len(members) < len(rows) or not members:
        return None
    return AllOf(tuple(members)) if kind == "all" else AnyOf(tuple(members))


def _text(value: float) -> str:
    return exact_text(value, "en")
