"""Saved queries with their versions, and the query history (`lab/saved.db`, SQLite)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from ioc.clock import from_ms, rfc3339, to_ms
from ioc.errors import StoreUnavailable
from ioc.lab.query import Query
from ioc.messages import Message

_HISTORY_KEPT = 20_000
_IDS_END = 2**63
_SCHEMA = """
CREATE TABLE IF NOT EXISTS saved (
    id INTEGER PRIMARY KEY, owner TEXT NOT NULL, version INTEGER NOT NULL, shared INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE IF NOT EXISTS versions (
    id INTEGER NOT NULL, version INTEGER NOT NULL, name TEXT NOT NULL, sql TEXT NOT NULL, parameters TEXT NOT NULL,
    chart TEXT NOT NULL, tags TEXT NOT NULL, changed_by TEXT NOT NULL, changed_at INTEGER NOT NULL,
    PRIMARY KEY (id, version)) STRICT;
CREATE TABLE IF NOT EXISTS history (
    number INTEGER PRIMARY KEY, at INTEGER NOT NULL, person TEXT NOT NULL, name TEXT NOT NULL, sql TEXT NOT NULL,
    parameters TEXT NOT NULL, state TEXT NOT NULL, elapsed_ms REAL NOT NULL, row_count INTEGER, error TEXT NOT NULL)
    STRICT;
CREATE INDEX IF NOT EXISTS history_of ON history (person, number);
"""
_SELECT = (
    "SELECT s.id, v.name, v.sql, v.parameters, v.chart, v.tags, s.shared, s.owner, v.version, v.changed_at, "
    "v.changed_by FROM saved s JOIN versions v ON v.id = s.id "
)


class NotOwner(Exception):
    """Only the owner may change a saved query."""


@dataclass(frozen=True)
class QueryDraft:
    """The content of a saved query; `chart` belongs to the page."""

    name: str
    sql: str
    parameters: dict[str, Any]
    chart: Any
    tags: list[str]
    shared: bool


class SavedQueries:
    """The store of saved queries and history.

    Times are ms since 1970. Each call opens the file, which is small.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises StoreUnavailable.
        """
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as connection:
            connection.executescript(_SCHEMA)

    def note(self, query: Query) -> None:
        """Append a finished query to the history."""
        row = (
            to_ms(query.asked_at),
            query.person,
            query.name,
            query.sql,
            orjson.dumps(query.parameters).decode(),
            query.state.value,
            query.elapsed_ms,
            query.row_count,
            query.error["message"] if query.error else "",
        )
        with self._open() as connection:
            connection.execute(
                "INSERT INTO history (at, person, name, sql, parameters, state, elapsed_ms, row_count, error) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            connection.execute(
                "DELETE FROM history WHERE number <= (SELECT max(number) FROM history) - ?", [_HISTORY_KEPT]
            )

    def history(self, person: str | None, limit: int) -> list[dict[str, Any]]:
        """Return the history, latest first; of all people when `person` is None."""
        with self._open() as connection:
            rows = connection.execute(
                "SELECT at, person, name, sql, parameters, state, elapsed_ms, row_count, error FROM history "
                "WHERE ?1 IS NULL OR person = ?1 ORDER BY number DESC LIMIT ?2",
                [person, limit],
            ).fetchall()
        names = ("at", "person", "name", "sql", "parameters", "state", "elapsed_ms", "row_count", "error")
        return [
            dict(zip(names, row, strict=True)) | {"at": rfc3339(from_ms(row[0])), "parameters": orjson.loads(row[4])}
            for row in rows
        ]

    def saved(self, person: str) -> list[dict[str, Any]]:
        """Return a person's own and shared saved queries, by name."""
        return self._saved(
            "WHERE s.version = v.version AND NOT s.deleted AND (s.owner = ? OR s.shared) ORDER BY v.name", [person]
        )

    def one(self, saved_id: int, person: str, *, removed: bool = False) -> dict[str, Any]:
        """Return a saved query.

        `removed` includes the person's own removed ones. Raises KeyError, also for a number that cannot be an
        id.
        """
        if not 0 < saved_id < _IDS_END:
            raise KeyError(saved_id)
        found = self._saved(
            "WHERE s.version = v.version AND (NOT s.deleted OR (? AND s.owner = ?)) AND s.id = ? "
            "AND (s.owner = ? OR s.shared)",
            [removed, person, saved_id, person],
        )
        if not found:
            raise KeyError(saved_id)
        return found[0]

    def versions(self, saved_id: int, person: str) -> list[dict[str, Any]]:
        """Return all versions of a saved query, latest first.

        Raises KeyError.
        """
        self.one(saved_id, person)
        return self._saved("WHERE s.id = ? ORDER BY v.version DESC", [saved_id])

    def add(self, draft: QueryDraft, person: str, now: datetime) -> dict[str, Any]:
        """Save a new query; return it."""
        with self._open() as connection:
            saved_id = connection.execute(
                "INSERT INTO saved (owner, version, shared) VALUES (?, 1, ?)", [person, int(draft.shared)]
            ).lastrowid
            assert saved_id is not None
            self._write(connection, saved_id, 1, draft, person, now)
        return self.one(saved_id, person)

    def change(self, saved_id: int, draft: QueryDraft, person: str, now: datetime) -> dict[str, Any]:
        """Save a new version; a removed query is restored by it.

        Raises KeyError, NotOwner.
        """
        present = self._own(saved_id, person, removed=True)
        with self._open() as connection:
            version = present["version"] + 1
            connection.execute(
                "UPDATE saved SET version = ?, shared = ?, deleted = 0 WHERE id = ?",
                [version, int(draft.shared), saved_id],
            )
            self._write(connection, saved_id, version, draft, person, now)
        return self.one(saved_id, person)

    def remove(self, saved_id: int, person: str) -> None:
        """Remove a saved query.

        Raises KeyError, NotOwner.
        """
        self._own(saved_id, person)
        with self._open() as connection:
            connection.execute("UPDATE saved SET deleted = 1 WHERE id = ?", [saved_id])

    def _own(self, saved_id: int, person: str, *, removed: bool = False) -> dict[str, Any]:
        present = self.one(saved_id, person, removed=removed)
        if present["owner"] != person:
            raise NotOwner
        return present

    def _saved(self, where: str, values: list[Any]) -> list[dict[str, Any]]:
        with self._open() as connection:
            rows = connection.execute(_SELECT + where, values).fetchall()
        return [
            {
                "id": row[0],
                "name": row[1],
                "sql": row[2],
                "parameters": orjson.loads(row[3]),
                "chart": orjson.loads(row[4]),
                "tags": orjson.loads(row[5]),
                "shared": bool(row[6]),
                "owner": row[7],
                "version": row[8],
                "changed_at": rfc3339(from_ms(row[9])),
                "changed_by": row[10],
            }
            for row in rows
        ]

    @staticmethod
    def _write(
        connection: sqlite3.Connection, saved_id: int, version: int, draft: QueryDraft, person: str, now: datetime
    ) -> None:
        texts = [orjson.dumps(value).decode() for value in (draft.parameters, draft.chart, draft.tags)]
        connection.execute(
            "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [saved_id, version, draft.name, draft.sql, *texts, person, to_ms(now)],
        )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=5)) as connection, connection:
                connection.execute("PRAGMA synchronous = NORMAL")
                yield connection
        except sqlite3.Error as fault:
            raise StoreUnavailable(Message("saved_unreachable", path=self._path, reason=str(fault))) from fault
