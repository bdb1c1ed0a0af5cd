"""Definitions that a person broke: displays, routing and channels keep their last good version, the rest goes on."""

from pathlib import Path

import pytest

from ioc.catalog import CatalogInvalid, load_displays
from ioc.catalog.channels import load_channels
from ioc.catalog.last_good import read_last_good, read_last_good_file
from tests.support.catalogs import hue

DISPLAY = """
id = "ID"
name = { vi = "Tường", en = "Wall" }
height_mm = HEIGHT
[[scene]]
id = "air"
name = { vi = "Khí", en = "Air" }
tiles = ["air.pm25_mean_24h"]
"""


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    (tmp_path / "catalog" / "displays").mkdir(parents=True)
    return tmp_path / "catalog"


def write(overlay: Path, display: str, height: object) -> None:
    text = DISPLAY.replace("ID", display).replace("HEIGHT", str(height))
    (overlay / "displays" / f"{display}.toml").write_text(text)


def heights(overlay: Path, tmp_path: Path) -> tuple[dict[str, int], list[str]]:
    found = read_last_good(
        lambda folder: load_displays(hue(), folder), overlay, ("displays/*.toml",), tmp_path / "kept"
    )
    return (
        {display.id: display.height_mm for display in found.value.values()},
        sorted({Path(fault.file).name for fault in found.faults}),
    )


def test_a_faulty_display_keeps_its_last_good_version_and_the_others_go_on(overlay: Path, tmp_path: Path) -> None:
    write(overlay, "main", 1200)
    write(overlay, "hall", 1300)
    assert heights(overlay, tmp_path) == ({"main": 1200, "hall": 1300}, [])
    write(overlay, "main", '"tall"')
    write(overlay, "hall", 1400)
    write(overlay, "new", '"tall"')  # never good: left out
    assert heights(overlay, tmp_path) == ({"main": 1200, "hall": 1400}, ["main.toml", "new.toml"])
    write(overlay, "main", 1250)
    write(overlay, "new", 1500)
    assert heights(overlay, tmp_path) == ({"main": 1250, "hall": 1400, "new": 1500}, [])


def test_a_file_that_was_removed_does_not_come_back(overlay: Path, tmp_path: Path) -> None:
    write(overlay, "hall", 1300)
    heights(overlay, tmp_path)
    (overlay / "displays" / "hall.toml").unlink()
    assert "hall" not in heights(overlay, tmp_path)[0]


def test_faults_of_the_package_itself_are_raised(tmp_path: Path) -> None:
    def refuse(_: Path | None) -> None:
        raise CatalogInvalid([])

    for overlay in (None, tmp_path):
        with pytest.raises(CatalogInvalid):
            read_last_good(refuse, overlay, ("*.toml",), tmp_path / "kept")


def test_channels_keep_their_last_good_version(tmp_path: Path) -> None:
    path = tmp_path / "channels.toml"
    path.write_text('[[channel]]\nid = "hook"\nwebhook = "http://127.0.0.1/x"\ntoken = "secret"\n')
    assert set(read_last_good_file(load_channels, path, tmp_path / "kept").value) == {"wall", "hook"}
    assert (tmp_path / "kept" / "channels.toml").stat().st_mode & 0o777 == 0o600
    path.write_text("[[channel]\n")
    found = read_last_good_file(load_channels, path, tmp_path / "kept")
    assert (set(found.value), [fault.file for fault in found.faults]) == ({"wall", "hook"}, [str(path)])


def test_channels_that_never_were_good_leave_the_wall(tmp_path: Path) -> None:
    path = tmp_path / "channels.toml"
    path.write_text("[[channel]\n")
    found = read_last_good_file(load_channels, path, tmp_path / "kept")
    assert set(found.value) == {"wall"}
    assert found.faults
