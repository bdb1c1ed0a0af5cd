"""Check that KPIs of one name that differ only in their window count the same."""

from collections.abc import Mapping

from ioc.catalog.families import window_endings
from ioc.catalog.toml_table import DefinitionFault
from ioc.messages import Message
from ioc.model.kpi import CaseRatio, Expression, Formula, KpiDefinition, MeasureAggregate


def differing_conditions(kpis: Mapping[str, KpiDefinition]) -> list[DefinitionFault]:
    """Return a fault for each KPI over cases that has the name of an earlier one but another condition.

    Words for the window do not count as part of the name. `file` is empty, since the definitions contradict each other
    without being faulty themselves.
    """
    first: dict[tuple[str, str, str], KpiDefinition] = {}
    faults = []
    for kpi in kpis.values():
        condition = _condition(kpi.expression)
        if condition is None:
            continue
        key = (type(kpi.expression).__name__, kpi.unit_of_measure, _without_window(kpi.name.get("vi", "")))
        other = first.setdefault(key, kpi)
        if _condition(other.expression) != condition:
            faults.append(
                DefinitionFault(
                    "",
                    kpi.id,
                    "where",
                    Message(
                        "same_name_other_count",
                        name=kpi.name.get("vi", ""),
                        condition=" / ".join(condition),
                        other=other.id,
                        other_condition=" / ".join(_condition(other.expression) or ()),
                    ),
                )
            )
    return faults


def _condition(expression: Expression) -> tuple[str, ...] | None:
    """Return the condition of what is counted, without the window; None for a KPI that is not over cases."""
    if isinstance(expression, Formula | MeasureAggregate):
        return None
    over = (expression.over,) if isinstance(expression, CaseRatio) else ()
    return (expression.of, " ".join(expression.where.split()), *over)


def _without_window(name: str) -> str:
    ending = next((ending for ending in window_endings() if name.endswith(ending)), "")
    return name.removesuffix(ending).casefold()
