"""Plan what the catalogue's KPIs need from the store: which measures in which windows, which cases in which scans."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ioc.catalog import Catalog
from ioc.catalog.formulas import Term, parse_formula
from ioc.evaluation.case_sql import CaseExpression, CaseSql
from ioc.model.kpi import (
    CaseCount,
    CaseDistinct,
    CaseRatio,
    CaseSum,
    CaseTime,
    Constant,
    Formula,
    KpiDefinition,
    MeasureAggregate,
)
from ioc.model.unit import UnitLevel
from ioc.model.window import Window

KIND_OF = {"last": "subjects", "quantile": "buckets", "distinct": "registers", "nowcast": "hours"}
"""The rows that an aggregate needs besides the panes; all others need the panes only."""
Wanted = dict[Window, set[str]]


@dataclass(frozen=True, slots=True)
class ScannedKpi:
    """A KPI over cases with its SQL."""

    definition: KpiDefinition
    expression: CaseExpression
    sql: CaseSql


@dataclass(frozen=True, slots=True)
class Scan:
    """KPIs over one case type whose cases must lie in one window by one column, answered by one query.

    KPIs whose condition names `now` are in scans of their own.
    """

    case_type: str
    at: str
    window: Window
    kpis: tuple[ScannedKpi, ...]
    silence_is_zero: bool = False

    @property
    def uses_now(self) -> bool:
        return any(kpi.sql.uses_now for kpi in self.kpis)


@dataclass(frozen=True)
class EvaluationPlan:
    """What to read and compute for a catalogue.

    `wanted` holds for each kind of rows the measures of each window; `formulas` are in an order in which each comes
    after its parts; `units` are the codes, the province first; `positions` are the entries of the units of some levels
    (a KPI's `per`).
    """

    units: tuple[str, ...]
    wanted: dict[str, Wanted]
    aggregates: tuple[tuple[KpiDefinition, MeasureAggregate], ...]
    scans: tuple[Scan, ...]
    formulas: tuple[tuple[KpiDefinition, Formula, Term], ...]
    constants: Mapping[str, Constant]
    positions: Mapping[tuple[UnitLevel, ...], NDArray[np.intp]]

    windows: frozenset[Window]

    @property
    def units_of(self) -> dict[tuple[UnitLevel, ...], tuple[str, ...]]:
        """The codes at `positions`."""
        return {
            per: tuple(self.units[position] for position in positions.tolist())
            for per, positions in self.positions.items()
        }

    @classmethod
    def of(cls, catalog: Catalog) -> "EvaluationPlan":
        """Make the plan of a catalogue."""
        wanted: dict[str, Wanted] = defaultdict(lambda: defaultdict(set))
        aggregates: list[tuple[KpiDefinition, MeasureAggregate]] = []
        scans: dict[tuple[str, str, Window, bool], list[ScannedKpi]] = defaultdict(list)
        formulas: list[tuple[KpiDefinition, Formula, Term]] = []
        for definition in catalog.kpis.values():
            match definition.expression:
                case MeasureAggregate() as expression:
                    aggregates.append((definition, expression))
                    for kind in {"panes", KIND_OF.get(expression.take, "panes")}:
                        wanted[kind][definition.window].add(expression.measure)
                case Formula() as expression:
                    formulas.append((definition, expression, parse_formula(expression.text)))
                case CaseCount() | CaseSum() | CaseDistinct() | CaseRatio() | CaseTime() as expression:
                    sql = CaseSql.of(expression, catalog.vocabulary.case_types[expression.of])
                    # Without a time column the window does not matter.
                    window = definition.window if expression.at else Window.parse("now")
                    scans[expression.of, expression.at, window, sql.uses_now].append(
                        ScannedKpi(definition, expression, sql)
                    )
        units = (catalog.province.code, *(u for u in catalog.vocabulary.units if u != catalog.province.code))
        levels = [catalog.vocabulary.units[unit].level for unit in units]
        return cls(
            units=units,
            wanted={kind: dict(windows) for kind, windows in wanted.items()},
            aggregates=tuple(aggregates),
            scans=tuple(
                Scan(case_type, at, window, tuple(members), catalog.vocabulary.case_types[case_type].silence_is_zero)
                for (case_type, at, window, _), members in scans.items()
            ),
            formulas=tuple(formulas),
            constants=catalog.constants,
            positions={
                per: np.array([position for position, level in enumerate(levels) if level in per], np.intp)
                for per in {definition.per for definition in catalog.kpis.values()}
            },
            windows=frozenset(definition.window for definition in catalog.kpis.values()),
        )
