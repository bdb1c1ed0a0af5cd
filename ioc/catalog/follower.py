"""Follow the definitions in force: every process of the centre reads them again when a file of the province changes."""

from __future__ import annotations

from pathlib import Path

from ioc.catalog.catalog import Catalog
from ioc.catalog.catalog_cache import load_kept
from ioc.definition_files import definitions_stamp


class CatalogFollower:
    """The catalogue of a process that does not serve `POST /api/v1/catalog/reload` itself."""

    def __init__(self, province: str, overlay: Path | None, kept_dir: Path, catalog: Catalog | None = None) -> None:
        """Read the catalogue, which may take seconds, unless it was read just now. Raises ConfigurationInvalid as
        `load_kept` does."""
        self._province = province
        self._overlay = overlay
        self._kept_dir = kept_dir
        self._stamp = definitions_stamp(overlay)
        self.catalog = catalog or load_kept(province, overlay, kept_dir)

    def look(self) -> Catalog:
        """Return the catalogue in force; read it again first if a file has changed. A faulty file gives way to its last
        good version. Raises ConfigurationInvalid, and OSError; the catalogue then stays, and the next call tries again.
        """
        stamp = definitions_stamp(self._overlay)
        if stamp != self._stamp:
            self.catalog = load_kept(self._province, self._overlay, self._kept_dir)
            self._stamp = stamp
        return self.catalog
