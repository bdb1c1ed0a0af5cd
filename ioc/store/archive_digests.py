"""SHA-256 digests of the archive's files, kept in the store: a file that has changed is not read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import monotonic

import duckdb

CHECKED_FOR_S = 600.0
"""A file that looks unchanged (inode, size, time) is read again only after this time: 1 GB takes about 0.7 s."""


@dataclass(frozen=True, slots=True)
class _Check:
    mark: tuple[int, int, int]
    digest: str
    at_s: float


_checks: dict[Path, _Check] = {}
_lock = Lock()


def digest_of(path: Path) -> str:
    """Read the whole file and return its SHA-256 in hexadecimal, as `sha256sum` prints it. Raises OSError."""
    status = path.stat()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with _lock:
        _checks[path] = _Check((status.st_ino, status.st_size, status.st_mtime_ns), digest, monotonic())
    return digest


def record_digest(cursor: duckdb.DuckDBPyConnection, path: str, digest: str) -> None:
    """Keep the digest of a file (named below the archive directory) in the running transaction."""
    cursor.execute("DELETE FROM archive_digests WHERE path = ?", [path])
    cursor.execute("INSERT INTO archive_digests VALUES (?, ?)", [path, digest])


def sound_files(cursor: duckdb.DuckDBPyConnection, archive_dir: Path, paths: Sequence[str]) -> list[str]:
    """Return those of `paths` whose content is unchanged; a file without a digest counts as unchanged."""
    digests: dict[str, str] = {}
    with suppress(duckdb.CatalogException):  # a snapshot of before there were digests
        digests = dict(cursor.execute("SELECT path, digest FROM archive_digests").fetchall())
    return [path for path in paths if is_sound(archive_dir / path, digests.get(path))]


def is_sound(path: Path, digest: str | None) -> bool:
    """Return whether the file is there and has this digest."""
    try:
        status = path.stat()
        known = _checks.get(path)
        mark = (status.st_ino, status.st_size, status.st_mtime_ns)
        if known is None or known.mark != mark or monotonic() - known.at_s > CHECKED_FOR_S:
            return digest is None or digest_of(path) == digest
        return digest is None or known.digest == digest
    except OSError:
        return False


def forget_checks() -> None:
    """Forget all checks, so that every file is read again at its next use."""
    with _lock:
        _checks.clear()
