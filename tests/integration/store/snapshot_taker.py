"""A process that writes a store and takes one snapshot after another until a test kills it."""

from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from ioc.settings import VIETNAM
from ioc.store import Store
from ioc.store.snapshot import take


def take_snapshots(folder: Path, told: Connection) -> None:
    """Until it is killed; says when the store is open."""
    store = Store.open(folder / "store" / "ioc.duckdb", folder / "archive", zone=VIETNAM)
    told.send(True)
    while True:
        with store.cursor() as cursor:
            cursor.execute("INSERT INTO pairs SELECT 1, 1 FROM range(6000)")
        take(store, folder / "snapshots", datetime.now(UTC))
