"""A checked catalogue kept on disk: each process of the centre reads it in a moment instead of checking it again."""

import hashlib
import logging
import os
import pickle
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from ioc.catalog.catalog import Catalog
from ioc.catalog.last_good import read_last_good
from ioc.catalog.loader import load
from ioc.catalog.toml_table import CatalogInvalid
from ioc.definition_files import PATTERNS

LOG = logging.getLogger(__name__)
_PACKAGE = Path(__file__).parent.parent
_READ_BY = (".toml", ".csv", ".py")


def load_kept(province: str, overlay: Path | None, kept_dir: Path, *, strict: bool = False) -> Catalog:
    """Return the catalogue in force: as `load`, but a faulty file of the province gives way to its last good version,
    and `Catalog.faults` says so. With `strict` the faults are raised instead, as CatalogInvalid.

    What is kept holds for exactly these definitions, this code, this Python and DuckDB, which reads the conditions.
    `kept_dir` belongs to the centre: whoever may write there may run code in it. Raises ConfigurationInvalid for a code
    that belongs to no province.
    """
    catalog = _unpickled(kept_dir / f"catalog-{_fingerprint(province, overlay)}.pickle")
    if catalog is None:
        read = read_last_good(lambda folder: load(province, folder), overlay, PATTERNS, kept_dir / "good" / "catalog")
        catalog = replace(read.value, faults=read.faults)
        if not read.faults:  # what the last good version is may change while the faulty file stays the same
            _keep(catalog, kept_dir / f"catalog-{_fingerprint(province, overlay)}.pickle")
    if strict and catalog.faults:
        raise CatalogInvalid(catalog.faults)
    return catalog


def _unpickled(path: Path) -> Catalog | None:
    try:
        kept = pickle.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except Exception as fault:  # noqa: BLE001  whatever a damaged file makes of itself: the definitions are still there
        LOG.warning("%s is not readable (%r); the definitions are checked again", path, fault)
        return None
    return kept if isinstance(kept, Catalog) else None


def _keep(catalog: Catalog, path: Path) -> None:
    """Whole or not at all; a full disk only means that the next process checks again."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.touch(mode=0o600)
        draft.write_bytes(pickle.dumps(catalog, pickle.HIGHEST_PROTOCOL))
        for other in path.parent.glob("catalog-*.pickle"):
            other.unlink(missing_ok=True)
        draft.replace(path)
    except OSError as fault:
        LOG.warning("the checked definitions were not kept in %s: %s", path.parent, fault)
        with suppress(OSError):
            draft.unlink(missing_ok=True)


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
