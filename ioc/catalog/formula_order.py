"""Put KPIs into an order in which each formula comes after its parts, and check formulas against all definitions."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from ioc.catalog.definitions import version
from ioc.catalog.families import Families
from ioc.catalog.formulas import FormulaPart, Number, divisors, parse_formula, parts_of
from ioc.catalog.packs import Entry
from ioc.catalog.toml_table import DefinitionFault, TomlTable, closest
from ioc.messages import Message
from ioc.model.kpi import Constant, Formula, KpiDefinition


def parts_first(
    kpis: Mapping[str, KpiDefinition],
    entries: Mapping[str, Entry],
    constants: Mapping[str, Constant],
    families: Families,
    faults: list[DefinitionFault],
) -> dict[str, KpiDefinition]:
    """Return the KPIs in the order of the files, but each formula after its parts.

    Constants are separated from the parts of a formula, and its version is derived from those of its parts and
    constants. Unknown parts, cycles and divisions without a rule become faults.
    """
    separated = {kpi_id: _separated(definition, constants) for kpi_id, definition in kpis.items()}
    graph: dict[str, list[str]] = {}
    for kpi_id, definition in separated.items():
        parts: tuple[str, ...] = ()
        if isinstance(definition.expression, Formula):
            row = entries[kpi_id].row(kpi_id, faults)
            parts = definition.expression.parts
            for part in parts:
                if part not in entries:
                    row.fault("formula", _unknown(part, [*entries, *constants], families, definition))
            _check_formula(row, definition.expression, constants)
        graph[kpi_id] = [part for part in parts if part in kpis]
    ordered: dict[str, KpiDefinition] = {}
    for kpi_id in _order(graph, entries, faults):
        definition = separated[kpi_id]
        if isinstance(definition.expression, Formula):
            parts_versions = [ordered[part].version for part in definition.expression.parts if part in ordered]
            figures = [repr(constants[constant].values) for constant in definition.expression.constants]
            definition = replace(definition, version=version(definition.version, *parts_versions, *figures))
        ordered[kpi_id] = definition
    return ordered


def _order(graph: dict[str, list[str]], entries: Mapping[str, Entry], faults: list[DefinitionFault]) -> Iterable[str]:
    """Return the nodes in their order, but each after those it points to; each cycle becomes a fault and is cut."""
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            *cycle, last = reversed(error.args[1])
            closing = cycle[-1]
            shown = " → ".join([*cycle, last])
            entries[closing].row(closing, faults).fault("formula", Message("formula_circle", path=shown))
            graph[closing] = [part for part in graph[closing] if part != last]
        else:
            break
    ordered: dict[str, None] = {}
    for node in graph:
        # One node at a time: sorting the whole graph at once would put all formulas behind everything else.
        needed = _needed(node, graph)
        ordered |= dict.fromkeys(TopologicalSorter({one: graph[one] for one in needed}).static_order())
    return ordered


def _needed(node: str, graph: Mapping[str, list[str]]) -> list[str]:
    """Return the node and everything that it points to, at any distance."""
    needed = dict.fromkeys([node])
    waiting = [node]
    while waiting:
        found = [part for part in graph[waiting.pop()] if part not in needed]
        needed |= dict.fromkeys(found)
        waiting += found
    return list(needed)


def _separated(definition: KpiDefinition, constants: Mapping[str, Constant]) -> KpiDefinition:
    formula = definition.expression
    if not isinstance(formula, Formula):
        return definition
    parts = tuple(part for part in formula.parts if part not in constants)
    named = tuple(part for part in formula.parts if part in constants)
    return replace(definition, expression=replace(formula, parts=parts, constants=named))


def _unknown(part: str, known: list[str], families: Families, definition: KpiDefinition) -> Message:
    if part in families:
        members = ", ".join(f"{part}.{window}" for window in families[part])
        return Message("family_no_window", given=part, window=definition.window_text, known=members)
    return Message("unknown_part", given=part, nearest=closest(part, known))


def _check_formula(row: TomlTable, formula: Formula, constants: Mapping[str, Constant]) -> None:
    if formula.constants and not formula.parts:
        row.fault("formula", Message("formula_constants"))
    has_rule = row.data["formula"].get("when_zero") is not None
    for divisor in divisors(parse_formula(formula.text)):
        if any(part not in constants for part in parts_of(divisor)):
            if not has_rule:
                row.fault(
                    "formula.when_zero",
                    Message("when_zero_missing"),
                )
                return
            continue
        if divisor == Number(0.0):
            row.fault("formula.text", Message("formula_by_zero"))
        if isinstance(divisor, FormulaPart):
            zeros = [value.valid_from for value in constants[divisor.id].values if value.value == 0]
            if zeros:
                row.fault("formula.text", Message("formula_zero_from", divisor=divisor.id, since=zeros[0]))
