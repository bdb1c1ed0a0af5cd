"""Read displays: what each wall shows, in scenes of tiles."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ioc.catalog.catalog import Catalog
from ioc.catalog.packs import read_toml
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault, TomlTable, closest
from ioc.messages import Message

_MAX_TILES = 24


@dataclass(frozen=True)
class Scene:
    """One scene of a display; `tiles` are ids of KPIs, in reading order."""

    id: str
    name: dict[str, str]
    tiles: tuple[str, ...]


@dataclass(frozen=True)
class Display:
    """One wall. The `height_mm` of the screen and the `distance_mm` of its readers give the size of its text."""

    id: str
    name: dict[str, str]
    height_mm: int
    distance_mm: int
    scenes: tuple[Scene, ...]


def load_displays(catalog: Catalog, overlay: Path | None = None) -> dict[str, Display]:
    """Return the displays by id; a file of `overlay/displays/` replaces the package's display of the same id.

    Raises CatalogInvalid with every fault found.
    """
    folders = [Path(str(files("ioc.catalog").joinpath("displays")))]
    if overlay is not None:
        folders.append(overlay / "displays")
    faults: list[DefinitionFault] = []
    displays: dict[str, Display] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            data = read_toml(path, faults)
            if data:
                display = _display(TomlTable("", data, {}, str(path), faults), catalog)
                displays[display.id] = display
    if faults:
        raise CatalogInvalid(faults)
    return displays


def _display(row: TomlTable, catalog: Catalog) -> Display:
    scenes = row.tables("scene")
    if not scenes:
        row.fault("scene", Message("scene_missing"))
    display = Display(
        id=row.identifier(),
        name=row.names("name"),
        height_mm=row.whole("height_mm", 1000, 100, 100_000),
        distance_mm=row.whole("distance_mm", 4000, 100, 1_000_000),
        scenes=tuple(_scene(scene, catalog) for scene in scenes),
    )
    row.finish(["scene"])
    return display


def _scene(row: TomlTable, catalog: Catalog) -> Scene:
    scene = Scene(row.identifier(), row.names("name"), row.texts("tiles", required=True))
    row.subject = f"scene {scene.id}"
    for tile in scene.tiles:
        if tile not in catalog.kpis:
            row.fault("tiles", Message("unknown_kpi", nearest=closest(tile, catalog.kpis), given=tile))
    if len(scene.tiles) > _MAX_TILES:
        row.fault("tiles", Message("too_many_tiles", tiles=len(scene.tiles), most=_MAX_TILES))
    row.finish()
    return scene
