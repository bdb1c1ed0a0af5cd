"""Take a copy of the store at one moment, for readers that must not delay the writer.

Between two checkpoints DuckDB writes to the main file only where nothing of the last checkpoint lies: committed rows go
to the log, rows of a large open transaction to free blocks. So the main file, copied while its headers stay the same,
is the store as of the last checkpoint; the log is left out. The headers are compared before and after the copy, so that
a checkpoint in between is noticed and the copy repeated.

`DIRECTORY/STAMP/ioc.duckdb` with `DIRECTORY/STAMP/archive/`, hard links to the archive's files of that moment: neither
is changed any more. `DIRECTORY/current.json` names the one in use and is replaced as a whole.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

import duckdb

from ioc.atomic_file import write_atomically
from ioc.clock import rfc3339
from ioc.errors import IocError, StoreUnavailable
from ioc.messages import Message
from ioc.store.store import Store

KEPT = 2
"""The snapshot in use and the one before it, which a reader may have open."""
FILE = "ioc.duckdb"
SOURCES = "sources.json"
"""A file beside it, written when a running centre took it: a JSON list of the sources' states."""
_CURRENT = "current.json"
_FAILURE = "failure.txt"
_HEADERS_BYTES = 3 * 4096
_PIECE_BYTES = 8 << 20
_TRIES = 3
_CHECKPOINT_WITHIN_S = 20.0
_BETWEEN_S = 0.01
_NEVER = "1TB"


class SnapshotFailed(IocError):
    """No new snapshot could be taken; the previous one stays in use. The text says why, in one sentence."""


@dataclass(frozen=True)
class Snapshot:
    """`path` is the copy, `archive_dir` holds the archive's files of that moment; `took_s` is how long it took."""

    path: Path
    archive_dir: Path
    taken_at: datetime
    size_bytes: int
    took_s: float

    @property
    def stamp(self) -> str:
        return self.path.parent.name


def take(store: Store, directory: Path, now: datetime, *, sources: bytes = b"[]") -> Snapshot:
    """Take a snapshot, check it, put it in use, and delete those older than the KEPT newest.

    Raises SnapshotFailed; then nothing of it remains. After a kill the next call removes what is left. Call one at a
    time.
    """
    began_s = monotonic()
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    draft = directory / f".draft-{stamp}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _remove_drafts(directory)
        draft.mkdir()
        _copy_between_checkpoints(store, draft)
        size_bytes = (draft / FILE).stat().st_size
        _check(draft / FILE)
        (draft / SOURCES).write_bytes(sources)
        final = directory / stamp
        draft.rename(final)
        taken = Snapshot(final / FILE, final / "archive", now, size_bytes, monotonic() - began_s)
        _put_in_use(directory, taken)
    except (OSError, duckdb.Error, StoreUnavailable) as fault:
        shutil.rmtree(draft, ignore_errors=True)
        sentence = Message("snapshot_failed", reason=_sentence(fault))
        with suppress(OSError):
            (directory / _FAILURE).write_text(sentence + "\n")
        raise SnapshotFailed(sentence) from fault
    _keep_newest(directory, taken)
    return taken


def failure(directory: Path) -> str:
    """Return why the latest attempt failed, in one sentence; empty when it succeeded."""
    try:
        return (directory / _FAILURE).read_text().strip()
    except OSError:
        return ""


def current(directory: Path) -> Snapshot | None:
    """Return the snapshot in use; None when there is none yet."""
    try:
        facts = json.loads((directory / _CURRENT).read_text())
        folder = directory / facts["stamp"]
        taken_at = datetime.fromisoformat(facts["taken_at"])
        found = Snapshot(folder / FILE, folder / "archive", taken_at, facts["size_bytes"], facts["took_s"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if found.path.exists() else None


def _copy_between_checkpoints(store: Store, draft: Path) -> None:
    with store.checkpoints, store.cursor() as cursor:
        before = cursor.execute("SELECT current_setting('checkpoint_threshold')").fetchall()[0][0]
        try:
            cursor.execute(f"SET GLOBAL checkpoint_threshold = '{_NEVER}'")
            for _ in range(_TRIES):
                _checkpoint(store, cursor)
                if _copied_unchanged(store.path, draft / FILE):
                    _link_archive(store, cursor, draft / "archive")
                    return
        finally:
            with suppress(duckdb.Error):  # the store is closed; a newly opened one has its own
                cursor.execute("SET GLOBAL checkpoint_threshold = ?", [before])
    raise StoreUnavailable(Message("snapshot_checkpoints"))


def _checkpoint(store: Store, cursor: duckdb.DuckDBPyConnection) -> None:
    """Write a checkpoint. Raises StoreUnavailable when others never pause writing.

    DuckDB refuses a checkpoint while others write: the historian is held off, the rest are soon between two
    transactions.
    """
    until_s = monotonic() + _CHECKPOINT_WITHIN_S
    while True:
        try:
            with store.writing:
                cursor.execute("CHECKPOINT")
            return
        except duckdb.TransactionException as fault:
            if monotonic() > until_s:
                raise StoreUnavailable(Message("snapshot_busy", seconds=_CHECKPOINT_WITHIN_S)) from fault
            sleep(_BETWEEN_S)


def _copied_unchanged(source: Path, target: Path) -> bool:
    """Copy the file; return whether no checkpoint came in between."""
    with source.open("rb") as read, target.open("wb") as write:
        headers = os.pread(read.fileno(), _HEADERS_BYTES, 0)
        left = os.fstat(read.fileno()).st_size
        while left:
            sent = os.copy_file_range(read.fileno(), write.fileno(), min(left, _PIECE_BYTES))
            if not sent:
                break
            left -= sent
        os.fsync(write.fileno())
        return os.pread(read.fileno(), _HEADERS_BYTES, 0) == headers


def _link_archive(store: Store, cursor: duckdb.DuckDBPyConnection, target: Path) -> None:
    target.mkdir()
    for (path,) in cursor.execute("SELECT path FROM archive_files WHERE state = 'kept'").fetchall():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # lost already, which the audit shows
            os.link(store.archive_dir / path, target / path)


def _check(path: Path) -> None:
    """Check that the copy can be read. Raises duckdb.Error when it cannot."""
    with duckdb.connect(str(path), read_only=True, config={"threads": 1, "memory_limit": "64MB"}) as connection:
        if not connection.execute("SELECT count(*) FROM store_facts").fetchall()[0][0]:
            raise duckdb.Error("the copy is empty.")


def _put_in_use(directory: Path, taken: Snapshot) -> None:
    facts = {
        "stamp": taken.stamp,
        "taken_at": rfc3339(taken.taken_at),
        "size_bytes": taken.size_bytes,
        "took_s": round(taken.took_s, 3),
    }
    write_atomically(directory / _CURRENT, json.dumps(facts) + "\n")
    (directory / _FAILURE).unlink(missing_ok=True)


def _keep_newest(directory: Path, taken: Snapshot) -> None:
    stamps = sorted(path.name for path in directory.iterdir() if path.is_dir() and not path.name.startswith("."))
    kept = {taken.stamp, *sorted(stamps)[-KEPT:]}
    for stamp in stamps:
        if stamp not in kept:
            shutil.rmtree(directory / stamp, ignore_errors=True)


def _remove_drafts(directory: Path) -> None:
    for leftover in directory.glob(".draft-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _sentence(fault: Exception) -> str:
    if isinstance(fault, OSError):
        return f"{fault.strerror or fault} ({fault.filename})." if fault.filename else f"{fault.strerror or fault}."
    return str(fault).strip().splitlines()[0]
