"""GET /api/v1/displays/{id}: what a wall display shows, as scenes of tiles."""

from dataclasses import asdict

from fastapi import APIRouter, Response
from typing_extensions import TypedDict

from ioc.api.context import Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem
from ioc.catalog import Catalog, Display, load_displays
from ioc.catalog.last_good import LenientRead, read_last_good
from ioc.messages import Message
from ioc.settings import Settings

router = APIRouter(prefix="/api/v1/displays", tags=["definitions"])


class SceneShape(TypedDict):
    """A scene: the tiles that are shown together."""

    id: str
    name: dict[str, str]
    tiles: list[str]


class DisplayShape(TypedDict):
    """A display. The height of its screen and the distance of its readers give the size of its letters."""

    id: str
    name: dict[str, str]
    height_mm: int
    distance_mm: int
    scenes: list[SceneShape]


def displays_in_force(catalog: Catalog, settings: Settings) -> LenientRead[dict[str, Display]]:
    """Read the displays by id. A faulty file keeps its last good version and does not affect the others."""
    return read_last_good(
        lambda folder: load_displays(catalog, folder),
        settings.catalog_dir,
        ("displays/*.toml",),
        settings.kept_dir / "good" / "displays",
    )


@router.get("/{display_id}", response_model=DisplayShape)
async def get_display(context: Context, display_id: str) -> Response:
    """Return a display with its scenes."""
    displays = (await context.threads.run(lambda: displays_in_force(context.catalog(), context.settings))).value
    if display_id not in displays:
        raise Problem(404, Message("no_display", given=display_id[:80]))
    return JsonResponse(asdict(displays[display_id]))
