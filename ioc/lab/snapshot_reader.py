"""Open a snapshot for the evaluation code, so that past values equal those of the centre."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import duckdb

from ioc.catalog import Catalog, load_kept
from ioc.errors import StoreUnavailable
from ioc.evaluation.pane_reader import PaneReader
from ioc.messages import Message
from ioc.settings import Settings
from ioc.store.snapshot import Snapshot
from ioc.store.store import unavailable

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "200MB",
    "threads": 1,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


@dataclass(frozen=True)
class OpenSnapshot:
    """An open snapshot.

    `reader` and `cursor` read the raw snapshot; `catalog` is the one in force now.
    """

    reader: PaneReader
    catalog: Catalog
    zone: ZoneInfo
    cursor: duckdb.DuckDBPyConnection


@contextmanager
def open_snapshot(snapshot: Snapshot, settings: Settings) -> Iterator[OpenSnapshot]:
    """Open a snapshot while the block lasts.

    Raises StoreUnavailable when it cannot be read, CatalogInvalid, ConfigurationInvalid.
    """
    catalog = load_kept(settings.province, settings.catalog_dir, settings.kept_dir)
    with ExitStack() as open_things:
        try:
            # A spill folder of its own: DuckDB's default, next to the file, is shared with other processes.
            spill = open_things.enter_context(TemporaryDirectory(prefix="spill-", dir=snapshot.path.parent))
            connection = duckdb.connect(
                str(snapshot.path), read_only=True, config={**_SETTINGS, "temp_directory": spill}
            )
        except (duckdb.Error, OSError) as fault:
            raise unavailable(snapshot.path, fault) from fault
        open_things.enter_context(connection)
        facts = connection.execute("SELECT zone_hours FROM store_facts").fetchone()
        if facts is None:
            raise StoreUnavailable(Message("snapshot_empty", path=snapshot.path))
        yield OpenSnapshot(PaneReader(connection, snapshot.archive_dir, facts[0]), catalog, settings.zone, connection)
