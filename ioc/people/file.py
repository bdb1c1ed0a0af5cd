"""The SQLite file `people.db`: its tables and connections."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ioc.errors import StoreUnavailable
from ioc.messages import Message

_LOCK_TIMEOUT_S = 5.0
# Times are ms since 1970. Only the SHA-256 of tokens is kept. Triggers keep the trail from being changed.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS people (
    name TEXT PRIMARY KEY, full_name TEXT NOT NULL, role TEXT NOT NULL, password_hash TEXT NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0, made_at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
    token_hash TEXT PRIMARY KEY, person TEXT NOT NULL, csrf TEXT NOT NULL,
    began_at INTEGER NOT NULL, seen_at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS displays (
    name TEXT PRIMARY KEY, token_hash TEXT NOT NULL UNIQUE, made_at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS tokens (
    token_hash TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, person TEXT NOT NULL,
    made_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, used_at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS trail (
    number INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, act TEXT NOT NULL, what TEXT NOT NULL,
    details TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE TRIGGER IF NOT EXISTS trail_is_not_changed BEFORE UPDATE ON trail
    BEGIN SELECT RAISE(ABORT, 'the trail is not changed'); END;
CREATE TRIGGER IF NOT EXISTS trail_is_not_shortened BEFORE DELETE ON trail
    BEGIN SELECT RAISE(ABORT, 'the trail is not shortened'); END;
"""


class PeopleFile:
    """`people.db` of the data directory; any number of processes and threads may use it."""

    def __init__(self, path: Path) -> None:
        """Open the file, and create it with mode 600 if it is missing. Raises StoreUnavailable."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
        except OSError as fault:
            raise StoreUnavailable(Message("people_file_not_made", path=path, reason=fault.strerror)) from fault
        with self.writing() as connection:
            connection.executescript(_SCHEMA)

    @classmethod
    def unchecked(cls, path: Path) -> "PeopleFile":
        """Return the file without opening it; it may be damaged."""
        file = cls.__new__(cls)
        file.path = path
        return file

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Open a connection for queries. Raises StoreUnavailable."""
        try:
            with closing(self._connect()) as connection:
                yield connection
        except sqlite3.Error as fault:
            raise StoreUnavailable(Message("people_file_unusable", path=self.path, reason=str(fault))) from fault

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Run the block in a transaction; one writer at a time. Raises StoreUnavailable."""
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_LOCK_TIMEOUT_S, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection
