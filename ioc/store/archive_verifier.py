"""Verify the archive in the background: compare each file with its digest, repeatedly, one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from ioc.fault_register import FaultRegister
from ioc.model.fault import Fault
from ioc.store.archive_digests import digest_of, record_digest
from ioc.store.archive_views import refresh_views
from ioc.store.store import Store, transaction

VERIFY_AGAIN_AFTER = timedelta(hours=6)
_CODES = {"damaged": "archive_damaged", "missing": "archive_missing"}


@dataclass(frozen=True)
class ArchiveReport:
    """Result of a verification of the whole archive."""

    files: int
    size_bytes: int
    faults: tuple[Fault, ...]


class ArchiveVerifier:
    """Verifies one file per step; belongs to one thread.

    A damaged or missing file is a fault until it is restored, and its rows are left out.
    """

    def __init__(self, store: Store, faults: FaultRegister) -> None:
        self._store = store
        self._faults = faults
        self._verified_at: dict[str, datetime] = {}
        self._reported: set[str] = set()

    def step(self, cursor: duckdb.DuckDBPyConnection, now: datetime) -> None:
        """Verify the file that was verified longest ago, if that is due. Raises StoreUnavailable."""
        states = _states(cursor)
        self._verified_at = {path: at for path, at in self._verified_at.items() if path in states}
        due = [path for path in states if path not in self._verified_at]
        due += sorted(self._verified_at, key=self._verified_at.__getitem__)[:1]
        if due and now - self._verified_at.get(due[0], now - VERIFY_AGAIN_AFTER) >= VERIFY_AGAIN_AFTER:
            states[due[0]] = verify(self._store, cursor, due[0])
            self._verified_at[due[0]] = now
        self._report({path: state for path, state in states.items() if state in _CODES})

    def _report(self, unsound: dict[str, str]) -> None:
        for path, state in unsound.items():
            self._faults.report(f"archive {path}", _CODES[state], file=path)
        for path in self._reported - unsound.keys():
            self._faults.clear(f"archive {path}")
        self._reported = set(unsound)


def verify(store: Store, cursor: duckdb.DuckDBPyConnection, path: str) -> str:
    """Read one file and record its state: `kept`, `damaged` or `missing`.

    The result is `dropped` when it was replaced in the meantime. A file from before there were digests gets one. Raises
    StoreUnavailable.
    """
    try:
        found: str | None = digest_of(store.archive_dir / path)
    except OSError:
        found = None
    with transaction(cursor, store.path):
        before = _states(cursor).get(path)
        if before is None:
            return "dropped"
        known = cursor.execute("SELECT digest FROM archive_digests WHERE path = ?", [path]).fetchone()
        if found is not None and known is None:
            record_digest(cursor, path, found)
        state = "missing" if found is None else "kept" if known is None or known[0] == found else "damaged"
        if state != before:
            cursor.execute("UPDATE archive_files SET state = ? WHERE path = ?", [state, path])
            refresh_views(cursor, store.archive_dir)
    return state


def verify_all(store: Store, now: datetime) -> ArchiveReport:
    """Read the whole archive now. Raises StoreUnavailable."""
    with store.cursor() as cursor:
        states = {path: verify(store, cursor, path) for path in _states(cursor)}
        size = cursor.execute("SELECT coalesce(sum(size_bytes), 0)::BIGINT FROM archive_files WHERE state = 'kept'")
        size_bytes = int(size.fetchall()[0][0])
    faults = tuple(Fault.of(_CODES[state], now, file=path) for path, state in states.items() if state in _CODES)
    return ArchiveReport(sum(state != "dropped" for state in states.values()), size_bytes, faults)


def _states(cursor: duckdb.DuckDBPyConnection) -> dict[str, str]:
    rows: list[tuple[str, str]] = cursor.execute(
        "SELECT path, state FROM archive_files WHERE state IN ('kept', 'damaged', 'missing') ORDER BY path"
    ).fetchall()
    return dict(rows)
