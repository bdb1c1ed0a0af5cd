"""KPIs in an order in which formulas stand behind their parts, and what formulas must keep to."""

from collections.abc import Mapping
from dataclasses import replace

from ioc.catalog.definitions import version
from ioc.catalog.families import Families
from ioc.catalog.faults import Fault
from ioc.catalog.formulas import Number, Part, divisors, parse_formula, parts_of
from ioc.catalog.packs import Entry
from ioc.catalog.rows import Row, nearest
from ioc.model.kpi import Constant, Formula, KpiDefinition


def in_order(
    kpis: Mapping[str, KpiDefinition],
    entries: Mapping[str, Entry],
    constants: Mapping[str, Constant],
    families: Families,
    faults: list[Fault],
) -> dict[str, KpiDefinition]:
    """Each formula behind its parts, with its constants told from its KPIs, its version grown from both. Unknown parts,
    cycles and divisions without a rule are faults."""
    ordered: dict[str, KpiDefinition] = {}
    path: list[str] = []

    def visit(kpi_id: str) -> None:
        if kpi_id in ordered or kpi_id not in kpis:
            return
        definition = kpis[kpi_id]
        path.append(kpi_id)
        if isinstance(definition.expression, Formula):
            row = entries[kpi_id].row(kpi_id, faults)
            formula = _told_apart(definition.expression, constants)
            for part in formula.parts:
                if part in path:
                    circle = " → ".join([*path[path.index(part) :], part])
                    row.fault("formula", f"The formula depends on itself: {circle}.")
                elif part in entries:
                    visit(part)
                else:
                    row.fault("formula", _unknown(part, [*entries, *constants], families, definition))
            if formula.constants and not formula.parts:
                row.fault("formula", "The formula names constants alone, no KPI; what never changes is a constant.")
            _check_divisions(row, formula, constants)
            parts = [ordered[part].version for part in formula.parts if part in ordered]
            figures = [repr(constants[constant].values) for constant in formula.constants]
            definition = replace(definition, expression=formula, version=version(definition.version, *parts, *figures))
        path.pop()
        ordered[kpi_id] = definition

    for kpi_id in kpis:
        visit(kpi_id)
    return ordered


def _told_apart(formula: Formula, constants: Mapping[str, Constant]) -> Formula:
    return replace(
        formula,
        parts=tuple(part for part in formula.parts if part not in constants),
        constants=tuple(part for part in formula.parts if part in constants),
    )


def _unknown(part: str, known: list[str], families: Families, definition: KpiDefinition) -> str:
    if part in families:
        members = ", ".join(f"{part}.{window}" for window in families[part])
        return f"{part!r} has no window {definition.window_text!r}; name one of its KPIs: {members}."
    return f"No KPI or constant is called {part!r}{nearest(part, known)}."


def _check_divisions(row: Row, formula: Formula, constants: Mapping[str, Constant]) -> None:
    ruled = row.data["formula"].get("when_zero") is not None
    for divisor in divisors(parse_formula(formula.text)):
        if any(part not in constants for part in parts_of(divisor)):
            if not ruled:
                row.fault(
                    "formula.when_zero",
                    'is missing; the formula divides by what can be 0: write the value that then holds, or "no_data".',
                )
                return
            continue
        if divisor == Number(0.0):
            row.fault("formula.text", "The formula divides by 0.")
        if isinstance(divisor, Part):
            zeros = [value.valid_from for value in constants[divisor.id].values if value.value == 0]
            if zeros:
                row.fault("formula.text", f"The formula divides by {divisor.id}, which is 0 from {zeros[0]} on.")
