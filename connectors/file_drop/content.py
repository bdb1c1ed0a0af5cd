"""Digests of a file's content, and what is remembered of files that were moved."""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from connectors.file_drop.folder import DroppedFile
from connectors.tables.safe_open import open_inside

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class FinishedFile:
    """A file that was moved: where it is, its size and time when it was found, and what was read of it."""

    path: Path
    size_bytes: int
    modified_ns: int
    digest: str
    read_bytes: int
    rows: int
    at_ms: int

    def to_list(self) -> list[Any]:
        """Return the fields as JSON, for the source's position."""
        return [str(self.path), *list(self.__dict__.values())[1:]]


@dataclass(frozen=True)
class FileDigest:
    """The digest and size of a file.

    For a file that was read before, `beginning` is the digest of as many bytes as it had then (empty if it has fewer
    now), and `ends_line` says whether these end with the end of a line.
    """

    digest: str
    size_bytes: int
    beginning: str = ""
    ends_line: bool = True


def digest_file(folder: Path, dropped: DroppedFile, before: FinishedFile | None) -> FileDigest:
    """Return digest and size of a file; one that is refused unread is identified by name and time. Raises OSError."""
    digest, size = blake2b(digest_size=10), 0
    if dropped.fault:
        digest.update(os.fsencode(dropped.path) + repr(dropped.stamp).encode())
        return FileDigest(digest.hexdigest(), 0)
    beginning, ends_line = "", True
    with open_inside(folder, dropped.path) as file:
        if before is not None and before.read_bytes:
            left = before.read_bytes
            while left and (piece := file.read(min(left, _CHUNK_BYTES))):
                digest.update(piece)
                left -= len(piece)
                size += len(piece)
                ends_line = piece.rstrip(b"\0").endswith((b"\n", b"\r"))
            beginning = "" if left else digest.hexdigest()
        while piece := file.read(_CHUNK_BYTES):
            digest.update(piece)
            size += len(piece)
    return FileDigest(digest.hexdigest(), size, beginning, ends_line)


def beginning_of(folder: Path, path: Path) -> bytes:
    """Return the first bytes, for the dead letter; empty when the file cannot be read."""
    try:
        with open_inside(folder, path) as file:
            return file.read(_CHUNK_BYTES)
    except OSError:
        return b""
