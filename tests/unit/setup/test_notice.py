"""NOTICE names whatever the built pages, the image and the embedded Kafka hold of others."""

from importlib.metadata import Distribution, distributions

import pytest

from setup.jars import LOCK, read_lock
from tools.notice import KAFKA, NOTICE, PAGES, PYTHON, bundled, licence_of, listed, locked

WRITE_IT = "run `python -m tools.notice`"


def test_packages_in_the_built_pages() -> None:
    """Needs the pages as this checkout builds them."""
    assert listed(PAGES, NOTICE.read_text()) == bundled(), WRITE_IT


def test_a_font_of_a_style_sheet_is_in_the_built_pages() -> None:
    assert bundled()["@fontsource-variable/inter"] == "OFL-1.1"


def test_python_packages_in_the_image() -> None:
    """Another Python than the image's lacks a few of them."""
    notice = listed(PYTHON, NOTICE.read_text())
    assert list(notice) == sorted(locked()), WRITE_IT
    installed = {found.name.lower().replace("_", "-").replace(".", "-"): found for found in distributions()}
    stated = {name: licence_of(installed[name]) for name in notice if name in installed}
    assert len(stated) > 100
    assert stated.items() <= notice.items(), WRITE_IT


def test_jars_of_the_embedded_kafka() -> None:
    assert list(listed(KAFKA, NOTICE.read_text())) == [
        f"{jar.group}:{jar.artifact}" for jar in read_lock(LOCK.read_text())
    ], WRITE_IT


def test_a_package_without_a_licence_is_not_passed_over() -> None:
    class Silent(Distribution):
        def read_text(self, filename: str) -> str | None:
            return "Metadata-Version: 2.4\nName: silent\nVersion: 1\n" if filename == "METADATA" else None

        def locate_file(self, path: object) -> object:  # type: ignore[override]
            raise NotImplementedError

    with pytest.raises(ValueError, match="silent does not state its licence"):
        licence_of(Silent())
