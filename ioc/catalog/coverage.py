"""Find the KPIs that no configured source feeds, and what they lack."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ioc.catalog.catalog import Catalog
from ioc.model.kpi import Expression, Formula, MeasureAggregate


@dataclass(frozen=True, slots=True)
class Unfed:
    """A KPI that is not fed, or only in part: `missing` are its measures and case types without a source."""

    kpi: str
    missing: tuple[str, ...]


def unfed(catalog: Catalog, feeds: Mapping[str, Collection[str]]) -> list[Unfed]:
    """Return the KPIs that are not fed, in the order of the catalogue.

    `feeds` holds for each source ids of measures and case types, and patterns such as `lgsp.*`.
    """
    patterns = {pattern for given in feeds.values() for pattern in given}
    needs = needed(catalog)
    fed = {need: any(fnmatchcase(need, pattern) for pattern in patterns) for need in set().union(*needs.values())}
    return [
        Unfed(kpi_id, missing)
        for kpi_id, of in needs.items()
        if (missing := tuple(need for need in of if not fed[need]))
    ]


def needed(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """Return the measures and case types that each KPI needs, including those of a formula's parts."""
    needs: dict[str, tuple[str, ...]] = {}
    for kpi_id, definition in catalog.kpis.items():
        own = _own(definition.expression)
        parts = definition.expression.parts if isinstance(definition.expression, Formula) else ()
        needs[kpi_id] = tuple(dict.fromkeys([*own, *(need for part in parts for need in needs[part])]))
    return needs


def _own(expression: Expression) -> tuple[str, ...]:
    if isinstance(expression, Formula):
        return ()
    return (expression.measure if isinstance(expression, MeasureAggregate) else expression.of,)
