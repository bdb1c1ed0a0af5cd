"""Find which units ever reported what a KPI is made of, to tell missing reports from nothing having happened."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ioc.catalog import Catalog
from ioc.evaluation.case_kpis import CaseActivity
from ioc.evaluation.evaluation_plan import EvaluationPlan
from ioc.evaluation.freshness import Column
from ioc.evaluation.pane_reader import PaneReader
from ioc.model.kpi import Formula, KpiDefinition, MeasureAggregate

Flags = NDArray[np.bool_]
_EVER = """
SELECT DISTINCT measure, unit FROM kept_day_panes UNION SELECT DISTINCT measure, unit FROM recent_panes"""


class ReportingUnits:
    """One flag per unit of the plan for each measure and case type; arrays are replaced, never changed.

    Belongs to the thread that evaluates.
    """

    def __init__(self, catalog: Catalog, plan: EvaluationPlan, activity: CaseActivity) -> None:
        self._catalog = catalog
        self._plan = plan
        self._activity = activity
        self._measures: dict[str, Flags] = {}
        self._of_kpi: dict[str, tuple[tuple[Flags, ...], Flags]] = {}

    def read(self, reader: PaneReader) -> None:
        """Read which units the store has readings of, by measure."""
        measures = {code: measure for measure, code in reader.codes("measure").items()}
        units = {code: unit for unit, code in reader.codes("unit").items()}
        positions = {unit: position for position, unit in enumerate(self._plan.units)}
        found: dict[str, list[int]] = {}
        for measure, unit in reader.cursor.execute(_EVER).fetchall():
            position = positions.get(units.get(unit, ""))
            if position is not None and measure in measures:
                found.setdefault(measures[measure], []).append(position)
        for measure, listed in found.items():
            flags = np.zeros(len(self._plan.units), np.bool_)
            flags[listed] = True
            self._measures[measure] = flags

    def note(self, definition: KpiDefinition, column: Column) -> None:
        """Note that units have readings in the window of a KPI; `column` has one entry per unit of the plan."""
        if isinstance(definition.expression, MeasureAggregate):
            measure, has = definition.expression.measure, column.samples > 0
            known = self._measures.get(measure)
            if known is None or (has & ~known).any():
                self._measures[measure] = has if known is None else known | has

    def of(self, definition: KpiDefinition) -> Flags:
        """Return which units reported everything that the KPI is made of; the province once any unit did.

        One entry per unit of the plan; the same array while nothing changed.
        """
        made_of = self._made_of(definition)
        known = self._of_kpi.get(definition.id)
        if (
            known is None
            or len(known[0]) != len(made_of)
            or any(a is not b for a, b in zip(known[0], made_of, strict=True))
        ):
            flags = np.logical_and.reduce(made_of).copy() if len(made_of) > 1 else made_of[0].copy()
            flags[0] = all(part.any() for part in made_of)
            known = self._of_kpi[definition.id] = made_of, flags
        return known[1]

    def _made_of(self, definition: KpiDefinition) -> tuple[Flags, ...]:
        expression = definition.expression
        if isinstance(expression, Formula):
            return tuple(self.of(self._catalog.kpis[part]) for part in expression.parts)
        if isinstance(expression, MeasureAggregate):
            if expression.measure not in self._measures:
                self._measures[expression.measure] = np.zeros(len(self._plan.units), np.bool_)
            return (self._measures[expression.measure],)
        return (self._activity.reported(expression.of),)
