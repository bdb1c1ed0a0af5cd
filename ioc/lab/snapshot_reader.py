"""The past as the centre itself reckons it, over a snapshot: the same evaluation, the same figures."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import duckdb

from ioc.catalog import Catalog, load_kept
from ioc.errors import StoreUnavailable
from ioc.evaluation.pane_reader import PaneReader
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
class Past:
    """`reader` and `cursor` read the raw snapshot; `catalog` is as in force now."""

    reader: PaneReader
    catalog: Catalog
    zone: ZoneInfo
    cursor: duckdb.DuckDBPyConnection


@contextmanager
def open_past(snapshot: Snapshot, settings: Settings) -> Iterator[Past]:
    """Raises StoreUnavailable when the snapshot cannot be read, CatalogInvalid, ConfigurationInvalid."""
    catalog = load_kept(settings.province, settings.catalog_dir, settings.kept_dir)
    with ExitStack() as open_things:
        try:
            # Beside the file itself, where DuckDB spills unasked, two processes overwrite each other's.
            spill = open_things.enter_context(TemporaryDirectory(prefix="spill-", dir=snapshot.path.parent))
            connection = duckdb.connect(
                str(snapshot.path), read_only=True, config={**_SETTINGS, "temp_directory": spill}
            )
        except (duckdb.Error, OSError) as fault:
            raise unavailable(snapshot.path, fault) from fault
        open_things.enter_context(connection)
        facts = connection.execute("SELECT zone_hours FROM store_facts").fetchone()
        if facts is None:
            raise StoreUnavailable(f"The snapshot {snapshot.path} is empty.")
        yield Past(PaneReader(connection, snapshot.archive_dir, facts[0]), catalog, settings.zone, connection)
