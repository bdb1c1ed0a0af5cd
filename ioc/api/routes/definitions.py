"""GET /api/v1/definitions: the definitions in force. POST /api/v1/catalog/reload: read them again."""

from fastapi import APIRouter, Request, Response
from typing_extensions import TypedDict

from ioc.api.auth.middleware import caller_of
from ioc.api.context import Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem
from ioc.api.schemas.definitions import DefinitionsShape, definitions_shape
from ioc.catalog import CatalogInvalid
from ioc.catalog.toml_table import DefinitionFault

router = APIRouter(prefix="/api/v1", tags=["definitions"])


class ReloadShape(TypedDict):
    """How many KPIs and measures are in force after the reload."""

    kpis: int
    measures: int


@router.get("/definitions", response_model=DefinitionsShape)
async def get_definitions(context: Context) -> Response:
    """Return sectors, KPIs, measures, case types and constants: everything that values refer to by an id."""
    return JsonResponse(definitions_shape(context.catalog()))


@router.post("/catalog/reload", response_model=ReloadShape)
async def reload_definitions(context: Context, request: Request) -> Response:
    """Read the definition files again and put them in force. With a fault in them (422) the old ones stay in force."""
    by = caller_of(request).name

    def reload() -> Response:
        try:
            catalog = context.reload_catalog()
        except CatalogInvalid as invalid:
            raise Problem(
                422, invalid.message, [(_location(fault), fault.message) for fault in invalid.faults]
            ) from None
        counts: ReloadShape = {"kpis": len(catalog.kpis), "measures": len(catalog.vocabulary.measures)}
        context.people.trail.note(by, "catalog.reload", "catalog", dict(counts))
        return JsonResponse(counts)

    return await context.threads.run(reload)


def _location(fault: DefinitionFault) -> str:
    return ": ".join(part for part in (fault.file, fault.kpi, fault.field) if part)
