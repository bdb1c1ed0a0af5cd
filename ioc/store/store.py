"""The DuckDB file: opening, cursors, transactions, and the meaning of its errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from threading import Lock
from weakref import WeakSet
from zoneinfo import ZoneInfo

import duckdb

from ioc.errors import ConfigurationInvalid, StoreDamaged, StoreUnavailable
from ioc.messages import Message
from ioc.store.archive_views import refresh_views
from ioc.store.case_clocks import Clocks, keep_clocks
from ioc.store.dictionary_codes import DictionaryCodes
from ioc.store.levels import make_level_views
from ioc.store.migration import VERSION, migrate

# The checkpoint threshold bounds both the log to replay at a start and the pause that a checkpoint makes.
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "200MB",
    "threads": 1,
    "checkpoint_threshold": "64MB",
    "preserve_insertion_order": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
}
_DISK_FULL = ("no space left", "disk full", "file too large", "could not write", "disk quota")


class Store:
    """The only owner of the file. Cursors are cheap: a thread opens one for a piece of work and closes it.

    `zone_hours` is the offset of the province's zone; days of the store are days of that zone. `writing` is held by
    each transaction that writes cases, since another thread may derive all clocks again; `checkpoints` by whoever needs
    the file to stay unchanged for a while (ioc/store/snapshot.py).
    """

    def __init__(self, path: Path, archive_dir: Path, zone_hours: int) -> None:
        self.path = path
        self.archive_dir = archive_dir
        self.zone_hours = zone_hours
        self.codes = DictionaryCodes()
        self.writing = Lock()
        self.checkpoints = Lock()
        self._lock = Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._cursors: WeakSet[duckdb.DuckDBPyConnection] = WeakSet()

    @classmethod
    def open(cls, path: Path, archive_dir: Path, *, zone: ZoneInfo) -> Store:
        """Create or open the file.

        Raises StoreUnavailable when another process holds it or it was made for another zone; StoreDamaged when there
        is no space or it is unreadable; ConfigurationInvalid for a zone that is not a whole number of hours from UTC
        all year.
        """
        store = cls(path, archive_dir, _whole_hours(zone))
        store.reopen()
        return store

    def reopen(self) -> None:
        """Close and open again: after a failed write DuckDB refuses everything until then. Raises StoreUnavailable."""
        with self._lock:
            self._shut()
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.archive_dir.mkdir(parents=True, exist_ok=True)
                spill = str(self.path.with_suffix(".spill"))
                connection = duckdb.connect(str(self.path), config=_SETTINGS | {"temp_directory": spill})
            except (duckdb.Error, OSError) as fault:
                raise _cannot_open(self.path, fault) from fault
            try:
                self._prepare(connection)
            except (duckdb.Error, OSError) as fault:
                connection.close()
                raise _cannot_open(self.path, fault) from fault
            except StoreUnavailable:
                connection.close()
                raise
            self._connection = connection

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a new connection to the open file, for one thread. Raises StoreUnavailable when it is closed."""
        with self._lock:
            if self._connection is None:
                raise StoreUnavailable(Message("store_closed", path=self.path))
            cursor = self._connection.cursor()
            self._cursors.add(cursor)
            return cursor

    def keep_clocks(self, clocks: Clocks) -> frozenset[str]:
        """Store the current clocks and the calendar, and derive again what depends on others.

        Return the changed case types. Raises StoreUnavailable; the previous clocks then stay.
        """
        with self.cursor() as cursor, self.writing, transaction(cursor, self.path):
            return keep_clocks(cursor, clocks, self.zone_hours)

    def claim(self, province: str) -> None:
        """Record which province's data a new store holds. Raises ConfigurationInvalid for another province's store."""
        with self.cursor() as cursor, self.writing, transaction(cursor, self.path):
            known = cursor.execute("SELECT code FROM store_province").fetchall()
            if not known:
                cursor.execute("INSERT INTO store_province VALUES (?)", [province])
        if known and known[0][0] != province:
            raise ConfigurationInvalid(
                Message("store_other_province", path=self.path, known=known[0][0], province=province)
            )

    def close(self) -> None:
        """Write everything into the file and close it; does nothing when it is closed already."""
        with self._lock:
            self._shut()

    def _shut(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            # A cursor left open would keep the old instance of the database alive, and with it its state.
            for cursor in list(self._cursors):
                with suppress(duckdb.Error):  # its thread has closed it
                    cursor.interrupt()
                    cursor.close()
            self._cursors.clear()
            connection.close()

    def _prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("BEGIN")
        connection.execute(_sql("schema.sql"))
        facts = connection.execute("SELECT version, zone_hours FROM store_facts").fetchone()
        if facts is None:
            made = datetime.now(UTC).replace(tzinfo=None)
            connection.execute("INSERT INTO store_facts VALUES (?, ?, ?)", [VERSION, self.zone_hours, made])
        elif facts[0] > VERSION:
            raise StoreUnavailable(Message("store_layout", path=self.path, layout=facts[0], version=VERSION))
        elif facts[1] != self.zone_hours:
            raise StoreUnavailable(Message("store_zone", path=self.path, kept=facts[1], own=self.zone_hours))
        elif facts[0] < VERSION:
            migrate(connection, facts[0])
        make_level_views(connection, self.zone_hours)
        connection.execute(_sql("views.sql"))
        refresh_views(connection, self.archive_dir)
        connection.execute(_sql("people.sql"))
        connection.execute("COMMIT")
        self.codes.load(connection)


@contextmanager
def transaction(cursor: duckdb.DuckDBPyConnection, path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Do all or nothing of the block.

    Raises StoreUnavailable in place of DuckDB's own errors; any error of the block, and a commit that fails, leave the
    store unchanged.
    """
    try:
        cursor.execute("BEGIN")
        yield cursor
        cursor.execute("COMMIT")
    except BaseException as fault:
        with suppress(duckdb.Error):  # the transaction may be gone already, or the whole database invalid
            cursor.execute("ROLLBACK")
        if isinstance(fault, duckdb.Error | OSError):
            raise unavailable(path, fault) from fault
        raise


def unavailable(path: Path, fault: Exception) -> StoreUnavailable:
    """Return what a DuckDB or system error means to the person who runs the centre."""
    text = str(fault)
    if _is_held(fault):
        return StoreUnavailable(Message("store_held", path=path))
    if any(sign in text.lower() for sign in _DISK_FULL):
        return StoreUnavailable(Message("store_disk_full", path=path))
    return StoreUnavailable(Message("store_unusable", path=path, reason=(text.strip() or repr(fault)).splitlines()[0]))


def _cannot_open(path: Path, fault: Exception) -> StoreUnavailable:
    """Return StoreDamaged where the file or the disk is at fault, otherwise the same as `unavailable`."""
    meaning = unavailable(path, fault)
    return meaning if _is_held(fault) else StoreDamaged(meaning.message)


def _is_held(fault: Exception) -> bool:
    text = str(fault).lower()
    return "lock" in text and "conflicting" in text


def _whole_hours(zone: ZoneInfo) -> int:
    offsets = {datetime(2025, month, 1, tzinfo=UTC).astimezone(zone).utcoffset() for month in range(1, 13)}
    seconds = {offset.total_seconds() for offset in offsets if offset is not None}
    if len(seconds) != 1 or (only := seconds.pop()) % 3600:
        raise ConfigurationInvalid(Message("zone_not_whole_hours", zone=zone.key))
    return int(only // 3600)


def _sql(name: str) -> str:
    return files("ioc.store").joinpath(name).read_text(encoding="utf-8")
