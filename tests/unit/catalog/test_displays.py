"""Displays: the main wall, a province's own, and faults."""

from pathlib import Path

import pytest

from ioc.catalog import CatalogInvalid, load_displays
from tests.support.catalogs import hue


def test_the_main_wall_has_one_scene_of_eight_tiles() -> None:
    catalog = hue()
    main = load_displays(catalog)["main"]
    assert (main.height_mm, main.distance_mm) == (2000, 8000)
    [scene] = main.scenes
    assert scene.name == {"vi": "Tổng quan", "en": "Overview"}
    assert len(scene.tiles) == 8
    assert set(scene.tiles) <= set(catalog.kpis)


def test_a_province_s_display_takes_the_place_of_ours(tmp_path: Path) -> None:
    (tmp_path / "displays").mkdir()
    (tmp_path / "displays" / "wall.toml").write_text(
        'id = "main"\nname = { vi = "Tường", en = "Wall" }\nheight_mm = 1200\n'
        '[[scene]]\nid = "air"\nname = { vi = "Khí", en = "Air" }\ntiles = ["air.pm25_mean_24h"]\n'
    )
    main = load_displays(hue(), tmp_path)["main"]
    assert (main.height_mm, [scene.id for scene in main.scenes]) == (1200, ["air"])


@pytest.mark.parametrize(
    ("text", "subject", "field", "words"),
    [
        pytest.param(
            '[[scene]]\nid = "x"\nname = { vi = "x", en = "x" }\ntiles = ["air.pm25"]\n',
            "scene x",
            "scene[0].tiles",
            "No KPI is called 'air.pm25'",
            id="a measure is no KPI",
        ),
        pytest.param("", "", "scene", "at least one", id="no scene"),
        pytest.param("scenes = []\n", "", "scenes", "did you mean", id="unknown field"),
    ],
)
def test_fault(tmp_path: Path, text: str, subject: str, field: str, words: str) -> None:
    (tmp_path / "displays").mkdir()
    path = tmp_path / "displays" / "second.toml"
    path.write_text(f'id = "second"\nname = {{ vi = "x", en = "x" }}\n{text}')
    with pytest.raises(CatalogInvalid) as raised:
        load_displays(hue(), tmp_path)
    [fault] = [fault for fault in raised.value.faults if words in fault.message]
    assert (fault.file, fault.kpi, fault.field) == (str(path), subject, field)
