"""GET /api/v1/displays/{id}: what a wall shows, in scenes of tiles."""

from dataclasses import asdict

from fastapi import APIRouter, Response
from typing_extensions import TypedDict

from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem
from ioc.api.http.threads import WorkerThreads
from ioc.catalog import Catalog, Display, load_displays
from ioc.catalog.last_good import Definitions, read_last_good
from ioc.messages import Message
from ioc.settings import Settings


class SceneShape(TypedDict):
    id: str
    name: dict[str, str]
    tiles: list[str]


class DisplayShape(TypedDict):
    id: str
    name: dict[str, str]
    height_mm: int
    distance_mm: int
    scenes: list[SceneShape]


def displays_in_force(catalog: Catalog, settings: Settings) -> Definitions[dict[str, Display]]:
    """Return the displays by id; a faulty file keeps its last good version, and the others go on."""
    return read_last_good(
        lambda folder: load_displays(catalog, folder),
        settings.catalog_dir,
        ("displays/*.toml",),
        settings.kept_dir / "good" / "displays",
    )


def routes(centre: ApiContext, threads: WorkerThreads) -> APIRouter:
    router = APIRouter(prefix="/api/v1/displays", tags=["definitions"])

    @router.get("/{display_id}", response_model=DisplayShape)
    async def display(display_id: str) -> Response:
        """`height_mm` of the screen and `distance_mm` of its readers give the size of its letters."""
        displays = (await threads.run(lambda: displays_in_force(centre.catalog(), centre.settings))).value
        if display_id not in displays:
            raise Problem(404, Message("no_display", given=display_id[:80]))
        return JsonResponse(asdict(displays[display_id]))

    return router
