"""Keep the checked catalogue on disk, so that each process reads it at once instead of checking it again."""

import hashlib
import logging
import pickle
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from ioc.atomic_file import write_atomically
from ioc.catalog.catalog import Catalog
from ioc.catalog.last_good import read_last_good
from ioc.catalog.loader import load
from ioc.catalog.toml_table import CatalogInvalid
from ioc.definition_files import PATTERNS, definitions_stamp

LOG = logging.getLogger(__name__)
_PACKAGE = Path(__file__).parent.parent
_READ_BY = (".toml", ".csv", ".py")


def load_kept(province: str, overlay: Path | None, kept_dir: Path, *, strict: bool = False) -> Catalog:
    """Return the catalogue in force, from the cache if nothing has changed.

    As `load`, but a faulty file of the province is replaced by its last good version, and `Catalog.faults` says so.
    With `strict` the faults are raised instead, as CatalogInvalid. The cache holds for exactly these definitions, this
    code, this Python and this DuckDB, which parses the conditions. `kept_dir` belongs to the centre: write access to it
    means running code in the centre. Raises ConfigurationInvalid for a code that belongs to no province.
    """
    catalog = _unpickled(kept_dir / f"catalog-{_fingerprint(province, overlay)}.pickle")
    if catalog is None:
        read = read_last_good(lambda folder: load(province, folder), overlay, PATTERNS, kept_dir / "good" / "catalog")
        catalog = replace(read.value, faults=read.faults)
        if not read.faults:  # the last good version may change while the faulty file stays the same
            _keep(catalog, kept_dir / f"catalog-{_fingerprint(province, overlay)}.pickle")
    if strict and catalog.faults:
        raise CatalogInvalid(catalog.faults)
    return catalog


class CatalogFollower:
    """The catalogue in force, for a process that does not serve `POST /api/v1/catalog/reload` itself."""

    def __init__(self, province: str, overlay: Path | None, kept_dir: Path, catalog: Catalog | None = None) -> None:
        """Load the catalogue, which may take seconds, unless it is given. Raises ConfigurationInvalid."""
        self._province = province
        self._overlay = overlay
        self._kept_dir = kept_dir
        self._stamp = definitions_stamp(overlay)
        self.catalog = catalog or load_kept(province, overlay, kept_dir)

    def look(self) -> Catalog:
        """Return the catalogue in force, read again if a file of the province has changed.

        Raises ConfigurationInvalid and OSError; the catalogue then stays, and the next call tries again.
        """
        stamp = definitions_stamp(self._overlay)
        if stamp != self._stamp:
            self.catalog = load_kept(self._province, self._overlay, self._kept_dir)
            self._stamp = stamp
        return self.catalog


def _unpickled(path: Path) -> Catalog | None:
    try:
        kept = pickle.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except Exception as fault:  # noqa: BLE001  a damaged pickle may raise anything
        LOG.warning("%s is not readable (%r); the definitions are checked again", path, fault)
        return None
    return kept if isinstance(kept, Catalog) else None


def _keep(catalog: Catalog, path: Path) -> None:
    """Write the cache and remove older ones. A full disk only means that the next process checks again."""
    try:
        for other in path.parent.glob("catalog-*.pickle"):
            other.unlink(missing_ok=True)
        write_atomically(path, pickle.dumps(catalog, pickle.HIGHEST_PROTOCOL), private=True)
    except OSError as fault:
        LOG.warning("the checked definitions were not kept in %s: %s", path.parent, fault)


def _fingerprint(province: str, overlay: Path | None) -> str:
    digest = hashlib.sha256(f"{province}\n{sys.version}\n{version('duckdb')}\n{version('holidays')}".encode())
    for file in _files(overlay):
        content = file.read_bytes()
        digest.update(f"\n{file} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:32]


def _files(overlay: Path | None) -> Iterator[Path]:
    for folder in (_PACKAGE / "catalog", _PACKAGE / "model", *([overlay] if overlay else [])):
        yield from sorted(path for path in folder.rglob("*") if path.suffix in _READ_BY and path.is_file())
