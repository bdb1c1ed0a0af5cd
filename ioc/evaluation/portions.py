"""The catalogue in portions that are evaluated each by itself."""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import replace

from ioc.catalog import Catalog
from ioc.model.kpi import Formula, KpiDefinition, MeasureAggregate


def portions_of(catalog: Catalog) -> list[Catalog]:
    """Catalogues that hold some of the KPIs each, all together every KPI once; those without cases first, then by size.

    A formula is with all that it is made of, so that it and its parts are always of one moment; the KPIs over a case
    type are together, for their cases are read together; the others by the windows they ask for.
    """
    joined = _joined(catalog.kpis)
    groups: dict[Hashable, list[str]] = defaultdict(list)
    for kpi_id in catalog.kpis:
        groups[joined[kpi_id]].append(kpi_id)
    portions: dict[Hashable, set[str]] = defaultdict(set)
    for group, kpi_ids in groups.items():
        expressions = [catalog.kpis[kpi_id] for kpi_id in kpi_ids]
        measured = [kpi for kpi in expressions if isinstance(kpi.expression, MeasureAggregate)]
        has_cases = any(not isinstance(kpi.expression, MeasureAggregate | Formula) for kpi in expressions)
        portions[group if has_cases else frozenset(kpi.window for kpi in measured)] |= set(kpi_ids)
    # A set of windows is no group of cases: those come last.
    order = sorted(portions.items(), key=lambda item: (not isinstance(item[0], frozenset), len(item[1])))
    return [replace(catalog, kpis={kpi: catalog.kpis[kpi] for kpi in catalog.kpis if kpi in of}) for _, of in order]


def _joined(kpis: Mapping[str, KpiDefinition]) -> dict[str, Hashable]:
    """To each KPI a name of all those that must be with it."""
    above: dict[Hashable, Hashable] = {}

    def top(of: Hashable) -> Hashable:
        while (higher := above.get(of, of)) != of:
            of = higher
        return of

    for kpi in kpis.values():
        match kpi.expression:
            case MeasureAggregate():
                continue
            case Formula() as formula:
                others: list[Hashable] = list(formula.parts)
            case cases:
                others = [("cases of", cases.of)]
        for other in others:
            if top(kpi.id) != top(other):
                above[top(kpi.id)] = top(other)
    return {kpi_id: top(kpi_id) for kpi_id in kpis}
