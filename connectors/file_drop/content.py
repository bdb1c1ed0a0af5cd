"""Digests of a file's content, and what is remembered of files that were moved away."""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from connectors.file_drop.folder import Dropped
from connectors.tables.safe_open import open_inside

_PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class Finished:
    """A file that was put away: where it is, its size and time when it was found, and what was read of it."""

    path: Path
    size_bytes: int
    modified_ns: int
    digest: str
    read_bytes: int
    rows: int
    at_ms: int

    def to_list(self) -> list[Any]:
        return [str(self.path), *list(self.__dict__.values())[1:]]


@dataclass(frozen=True)
class Content:
    """The digest of a file and its size by then. Of a file that was read before also the digest of as many bytes as it
    had then (empty if it has fewer now), and whether these end with the end of a line."""

    digest: str
    size_bytes: int
    beginning: str = ""
    ends_line: bool = True


def content_of(folder: Path, dropped: Dropped, before: Finished | None) -> Content:
    """Return digests and size of a file; one that is refused unread is identified by name and time. Raises OSError."""
    digest, size = blake2b(digest_size=10), 0
    if dropped.fault:
        digest.update(os.fsencode(dropped.path) + repr(dropped.mark).encode())
        return Content(digest.hexdigest(), 0)
    beginning, ends_line = "", True
    with open_inside(folder, dropped.path) as file:
        if before is not None and before.read_bytes:
            left = before.read_bytes
            while left and (piece := file.read(min(left, _PIECE_BYTES))):
                digest.update(piece)
                left -= len(piece)
                size += len(piece)
                ends_line = piece.rstrip(b"\0").endswith((b"\n", b"\r"))
            beginning = "" if left else digest.hexdigest()
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
    return Content(digest.hexdigest(), size, beginning, ends_line)


def beginning_of(folder: Path, path: Path) -> bytes:
    """The first bytes for the dead letter; empty when the file cannot be read."""
    try:
        with open_inside(folder, path) as file:
            return file.read(_PIECE_BYTES)
    except OSError:
        return b""
