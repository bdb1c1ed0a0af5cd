"""The directory of source configurations, watched."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

from connectors.configuration import SourceConfiguration, read_source
from ioc.errors import ConfigurationInvalid

_OF_THE_SYSTEM = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO)
"""Faults that say nothing of the file; reading it again later helps."""


@dataclass(frozen=True)
class Changes:
    """Sources whose file is new or changed since the last look, as read or with its fault, and those whose file is
    gone."""

    read: dict[str, SourceConfiguration | ConfigurationInvalid]
    gone: set[str]


class SourceDirectory:
    """`*.toml` in one directory; the stem of a file is the name of its source. A missing directory is an empty one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: dict[str, tuple[int, int, int]] = {}

    def changes(self) -> Changes:
        """Return what changed since the last call. Raises OSError when the system cannot read the directory or a file
        now (descriptors used up, a fault of the disk); nothing counts as seen then."""
        present: dict[str, tuple[int, int, int]] = {}
        for path in sorted(self._path.glob("*.toml")) if self._path.is_dir() else []:
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            present[path.stem] = (status.st_mtime_ns, status.st_size, status.st_ino)
        changed = [source for source, mark in present.items() if self._seen.get(source) != mark]
        gone = set(self._seen) - set(present)
        read = {source: self._read(source) for source in changed}
        self._seen = present
        return Changes(read, gone)

    def _read(self, source: str) -> SourceConfiguration | ConfigurationInvalid:
        try:
            return read_source(self._path / f"{source}.toml")
        except ConfigurationInvalid as fault:
            if isinstance(fault.__cause__, OSError) and fault.__cause__.errno in _OF_THE_SYSTEM:
                raise fault.__cause__ from None
            return fault
