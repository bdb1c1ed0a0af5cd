"""Keep a running centre's definitions when a person breaks a file: its last good version is used instead.

Only a start is lenient. `ioc catalog check`, a reload and a change in the console refuse a faulty file.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from ioc.atomic_file import write_atomically
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault

LOG = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class LenientRead(Generic[T]):
    """What was read, and the faults of the files replaced by their last good version (or left out)."""

    value: T
    faults: tuple[DefinitionFault, ...] = ()


def read_last_good(
    read: Callable[[Path | None], T], overlay: Path | None, patterns: Sequence[str], kept: Path
) -> LenientRead[T]:
    """Return `read(overlay)`, with faulty files replaced by their last good version.

    Where `read` raises CatalogInvalid, each faulty file is replaced by its copy in `kept`, or left out if there is
    none, until the rest can be read.
    `patterns` are globs below `overlay` of the files that `read` reads; `kept` is a folder for their copies, which are
    made after each reading without a fault. Raises CatalogInvalid when the package's own definitions are at fault.
    """
    try:
        value = read(overlay)
    except CatalogInvalid as invalid:
        if overlay is None:
            raise
        found = _read_around(read, overlay, patterns, kept, invalid)
        for fault in found.faults:
            LOG.warning("faulty definition, its last good version is used: %s", fault)
        return found
    if overlay is not None:
        _keep(overlay, _matching(overlay, patterns), kept)
    return LenientRead(value)


def read_last_good_file(read: Callable[[Path], T], path: Path, kept: Path) -> LenientRead[T]:
    """Return `read(path)`, or the result for the last good copy of the file, or the result for a missing file.

    `kept` is the folder of the copy. Raises CatalogInvalid when `read` refuses a missing file.
    """
    copy = kept / path.name
    try:
        value = read(path)
    except CatalogInvalid as invalid:
        faults = tuple(invalid.faults)
        for fault in faults:
            LOG.warning("faulty file, its last good version is used: %s", fault)
        with suppress(CatalogInvalid):
            return LenientRead(read(copy), faults)
        return LenientRead(read(kept / "absent" / path.name), faults)
    _keep(path.parent, [path] if path.is_file() else [], kept)
    return LenientRead(value)


def _read_around(
    read: Callable[[Path | None], T], overlay: Path, patterns: Sequence[str], kept: Path, invalid: CatalogInvalid
) -> LenientRead[T]:
    faults = list(invalid.faults)
    with tempfile.TemporaryDirectory(prefix="ioc-definitions-") as folder:
        trial = Path(folder)
        for path in _matching(overlay, patterns):
            _copy(path, trial / path.relative_to(overlay))
        replaced: set[Path] = set()
        faulty = _below(overlay, invalid.faults)
        while faulty:
            for name in faulty:
                if name not in replaced and (kept / name).is_file():
                    _copy(kept / name, trial / name)
                else:
                    (trial / name).unlink(missing_ok=True)
            replaced |= faulty
            try:
                return LenientRead(read(trial), tuple(faults))
            except CatalogInvalid as more:
                faulty = {name for name in _below(trial, more.faults) if (trial / name).is_file()}
                faults += [_moved(fault, trial, overlay) for fault in more.faults]
    # The fault is not in single files of the province: the last good versions of all of them are used together.
    with suppress(CatalogInvalid):
        return LenientRead(read(kept), tuple(faults))
    return LenientRead(read(None), tuple(faults))


def _moved(fault: DefinitionFault, trial: Path, overlay: Path) -> DefinitionFault:
    """Return the fault with the person's own file instead of the copy."""
    path = Path(fault.file)
    return replace(fault, file=str(overlay / path.relative_to(trial))) if path.is_relative_to(trial) else fault


def _below(folder: Path, faults: Iterable[DefinitionFault]) -> set[Path]:
    """Return the faulty files in `folder`, relative to it."""
    paths = (Path(fault.file) for fault in faults if fault.file)
    return {path.relative_to(folder) for path in paths if path.is_relative_to(folder)}


def _matching(folder: Path, patterns: Sequence[str]) -> list[Path]:
    return [path for pattern in patterns for path in sorted(folder.glob(pattern)) if path.is_file()]


def _keep(folder: Path, paths: Sequence[Path], kept: Path) -> None:
    """Make `kept` hold exactly these files. A full disk prevents the copy, not the start."""
    try:
        wanted = {kept / path.relative_to(folder): path for path in paths}
        for copy, path in wanted.items():
            if not copy.is_file() or copy.read_bytes() != path.read_bytes():
                _copy(path, copy)
        for copy in list(kept.rglob("*")):
            if copy.is_file() and copy not in wanted:
                copy.unlink(missing_ok=True)
    except OSError as fault:
        LOG.warning("the last good definitions were not kept in %s: %s", kept, fault)


def _copy(path: Path, target: Path) -> None:
    """Copy a file, readable for the owner only."""
    write_atomically(target, path.read_bytes(), private=True)
