"""GET /api/v1/definitions: sectors, measures and KPIs in force; POST /api/v1/catalog/reload: read them anew."""

import math
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response
from typing_extensions import TypedDict

from ioc.api.auth.middleware import caller_of
from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem
from ioc.api.http.threads import WorkerThreads
from ioc.api.schemas.expressions import expression_shape
from ioc.api.schemas.shapes import target_shape
from ioc.catalog import Catalog, CatalogInvalid
from ioc.catalog.units_of_measure import in_english
from ioc.model.case import CaseType
from ioc.model.kpi import Band, Constant, KpiDefinition
from ioc.model.measure import Measure


class SectorShape(TypedDict):
    id: str
    name: dict[str, str]
    order: int


class DefinitionShape(TypedDict):
    id: str
    sector: str
    name: dict[str, str]
    short_name: dict[str, str]
    unit_of_measure: str
    unit_of_measure_en: str
    window: str
    expression: dict[str, Any]
    digits: int
    min_samples: int
    fresh_within_s: float | None
    targets: list[dict[str, Any]]
    basis: str
    version: str
    roll_up: str
    per: list[str]
    bands: list[dict[str, Any]]
    references: list[dict[str, Any]]
    family: str


class MeasureShape(TypedDict):
    id: str
    name: dict[str, str]
    unit_of_measure: str
    kind: str
    least: float | None
    most: float | None
    keeps_subject: bool


class CaseTypeShape(TypedDict):
    id: str
    name: dict[str, str]
    statuses: list[str]
    attributes: list[str]
    attribute_types: dict[str, str]
    clock: str
    pauses_in: list[str]
    due_in: int | None


class ConstantShape(TypedDict):
    id: str
    name: dict[str, str]
    values: list[dict[str, Any]]


class Definitions(TypedDict):
    sectors: list[SectorShape]
    kpis: list[DefinitionShape]
    measures: list[MeasureShape]
    case_types: list[CaseTypeShape]
    constants: list[ConstantShape]


class Reloaded(TypedDict):
    kpis: int
    measures: int


def definition_shape(kpi: KpiDefinition) -> DefinitionShape:
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
        "references": [asdict(row) for row in kpi.references],
        "family": kpi.family,
    }


def band_shape(band: Band) -> dict[str, Any]:
    """The last band of a KPI has no bound."""
    if band.bound is None:
        return {"name": band.name}
    return {"name": band.name, "over" if band.above else "at_least": band.bound}


def constant_shape(constant: Constant) -> ConstantShape:
    """`until` only where a value ends without a next one."""
    return {
        "id": constant.id,
        "name": constant.name,
        "values": [
            {"from": row.valid_from.isoformat(), "value": row.value, "basis": row.basis}
            | ({"until": row.until.isoformat()} if row.until else {})
            for row in constant.values
        ],
    }


def measure_shape(measure: Measure) -> MeasureShape:
    """A bound that is not set is null."""
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


def definitions_shape(catalog: Catalog) -> Definitions:
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


def routes(centre: ApiContext, threads: WorkerThreads) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["definitions"])

    @router.get("/definitions", response_model=Definitions)
    async def definitions() -> Response:
        """What is measured and how: everything that a value refers to by id."""
        return JsonResponse(definitions_shape(centre.catalog()))

    @router.post("/catalog/reload", response_model=Reloaded)
    async def reload(request: Request) -> Response:
        """Read the definitions anew and put them in force; with a fault in them (422) the old ones stay."""
        try:
            catalog = await threads.run(centre.reload_catalog)
        except CatalogInvalid as fault:
            raise Problem(422, str(fault), [(_place(row), row.message) for row in fault.faults]) from fault
        counts = {"kpis": len(catalog.kpis), "measures": len(catalog.vocabulary.measures)}
        await threads.run(
            lambda: centre.people.trail.note(caller_of(request).name, "catalog.reload", "catalog", counts)
        )
        return JsonResponse(counts)

    return router


def _place(fault: Any) -> str:
    return ": ".join(part for part in (fault.file, fault.kpi, fault.field) if part)
