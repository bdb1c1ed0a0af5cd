"""Definitions of sectors, KPIs, measures, case types and constants as JSON."""

import math
from typing import NotRequired

from typing_extensions import TypedDict

from ioc.api.schemas.expressions import ExpressionShape, expression_shape
from ioc.api.schemas.kpis import TargetShape, target_shape
from ioc.catalog import Catalog
from ioc.catalog.units_of_measure import in_english
from ioc.model.case import CaseType
from ioc.model.kpi import Band, Constant, KpiDefinition
from ioc.model.measure import Measure


class SectorShape(TypedDict):
    """A sector; pages show sectors by `order`."""

    id: str
    name: dict[str, str]
    order: int


class BandShape(TypedDict):
    """A band of values with its name. It begins `over` or `at_least` a bound; the last band of a KPI has no bound."""

    name: dict[str, str]
    over: NotRequired[float]
    at_least: NotRequired[float]


class ReferenceShape(TypedDict):
    """A value to compare with, such as the national average of a year; `at` is a date."""

    name: dict[str, str]
    value: float
    at: str
    basis: str


class DefinitionShape(TypedDict):
    """The definition of a KPI that is in force.

    `fresh_within_s` is null where the KPI is never stale. `per` are the levels of units that have values. `basis`
    names the decree or standard that the KPI follows.
    """

    id: str
    sector: str
    name: dict[str, str]
    short_name: dict[str, str]
    unit_of_measure: str
    unit_of_measure_en: str
    window: str
    expression: ExpressionShape
    digits: int
    min_samples: int
    fresh_within_s: float | None
    targets: list[TargetShape]
    basis: str
    version: str
    roll_up: str
    per: list[str]
    bands: list[BandShape]
    references: list[ReferenceShape]
    family: str


class MeasureShape(TypedDict):
    """A measure of readings. A reading below `least` or above `most` is refused; null where there is no bound."""

    id: str
    name: dict[str, str]
    unit_of_measure: str
    kind: str
    least: float | None
    most: float | None
    keeps_subject: bool


class CaseTypeShape(TypedDict):
    """A type of cases. `clock` is `working` or `calendar`; `due_in` is the usual time limit in days of that clock."""

    id: str
    name: dict[str, str]
    statuses: list[str]
    attributes: list[str]
    attribute_types: dict[str, str]
    clock: str
    pauses_in: list[str]
    due_in: int | None


ConstantValueShape = TypedDict(
    "ConstantValueShape", {"from": str, "value": float, "basis": str, "until": NotRequired[str]}
)
"""A value of a constant from a date on; `until` is present only where it ends without a next value."""


class ConstantShape(TypedDict):
    """A constant of formulas, such as the population, with all its values."""

    id: str
    name: dict[str, str]
    values: list[ConstantValueShape]


class DefinitionsShape(TypedDict):
    """Everything that values refer to by an id."""

    sectors: list[SectorShape]
    kpis: list[DefinitionShape]
    measures: list[MeasureShape]
    case_types: list[CaseTypeShape]
    constants: list[ConstantShape]


def definition_shape(kpi: KpiDefinition) -> DefinitionShape:
    """Return the JSON of a KPI's definition."""
    return {
        "id": kpi.id,
        "sector": kpi.sector,
        "name": kpi.name,
        "short_name": kpi.short_name or kpi.name,
        "unit_of_measure": kpi.unit_of_measure,
        "unit_of_measure_en": in_english(kpi.unit_of_measure),
        "window": kpi.window_text,
        "expression": expression_shape(kpi.expression),
        "digits": kpi.digits,
        "min_samples": kpi.min_samples,
        "fresh_within_s": kpi.fresh_within.total_seconds() if kpi.fresh_within else None,
        "targets": [shape for target in kpi.targets if (shape := target_shape(target))],
        "basis": kpi.basis,
        "version": kpi.version,
        "roll_up": kpi.roll_up.value,
        "per": [level.value for level in kpi.per],
        "bands": [band_shape(band) for band in kpi.bands],
        "references": [
            {"name": one.name, "value": one.value, "at": one.at.isoformat(), "basis": one.basis}
            for one in kpi.references
        ],
        "family": kpi.family,
    }


def band_shape(band: Band) -> BandShape:
    """Return the JSON of a band."""
    if band.bound is None:
        return {"name": band.name}
    return {"name": band.name, "over": band.bound} if band.above else {"name": band.name, "at_least": band.bound}


def constant_shape(constant: Constant) -> ConstantShape:
    """Return the JSON of a constant."""
    values: list[ConstantValueShape] = []
    for row in constant.values:
        value: ConstantValueShape = {"from": row.valid_from.isoformat(), "value": row.value, "basis": row.basis}
        if row.until:
            value["until"] = row.until.isoformat()
        values.append(value)
    return {"id": constant.id, "name": constant.name, "values": values}


def measure_shape(measure: Measure) -> MeasureShape:
    """Return the JSON of a measure."""
    return {
        "id": measure.id,
        "name": measure.name,
        "unit_of_measure": measure.unit_of_measure,
        "kind": measure.kind.value,
        "least": measure.least if math.isfinite(measure.least) else None,
        "most": measure.most if math.isfinite(measure.most) else None,
        "keeps_subject": measure.keeps_subject,
    }


def case_type_shape(case_type: CaseType) -> CaseTypeShape:
    """Return the JSON of a case type."""
    return {
        "id": case_type.id,
        "name": case_type.name,
        "statuses": list(case_type.statuses),
        "attributes": list(case_type.attributes),
        "attribute_types": {name: str(declared) for name, declared in case_type.attribute_types.items()},
        "clock": "working" if case_type.clock.working else "calendar",
        "pauses_in": list(case_type.clock.pauses_in),
        "due_in": case_type.clock.due_in,
    }


def definitions_shape(catalog: Catalog) -> DefinitionsShape:
    """Return the JSON of the whole catalogue."""
    return {
        "sectors": [
            {"id": sector.id, "name": sector.name, "order": sector.order}
            for sector in sorted(catalog.sectors.values(), key=lambda sector: sector.order)
        ],
        "kpis": [definition_shape(kpi) for kpi in catalog.kpis.values()],
        "measures": [measure_shape(measure) for measure in catalog.vocabulary.measures.values()],
        "case_types": [case_type_shape(case_type) for case_type in catalog.vocabulary.case_types.values()],
        "constants": [constant_shape(constant) for constant in catalog.constants.values()],
    }
