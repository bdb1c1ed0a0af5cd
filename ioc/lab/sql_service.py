"""The SQL side of the lab: publications, queries, saved queries."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from ioc.clock import Clock
from ioc.errors import StoreUnavailable
from ioc.fault_register import FaultRegister
from ioc.lab.publications import Publications
from ioc.lab.publishing.publish import MINUTES, published_dir
from ioc.lab.queries import Queries
from ioc.lab.query import Query, QueryLimits
from ioc.lab.sandbox.worker import WorkerSettings
from ioc.lab.saved_queries import SavedQueries
from ioc.settings import Settings
from ioc.store.snapshot import current

log = logging.getLogger("ioc.lab")


@dataclass(frozen=True)
class SqlService:
    """The parts of the SQL side.

    `faults` registers those of the lab's background tasks.
    """

    publications: Publications
    queries: Queries
    book: SavedQueries
    faults: FaultRegister

    @classmethod
    def of(cls, settings: Settings, clock: Clock, limits: QueryLimits = QueryLimits()) -> SqlService:  # noqa: B008 - frozen
        """Create the parts for a data directory.

        Raises StoreUnavailable.
        """
        faults = FaultRegister(clock)
        publications = Publications(settings, lambda: current(settings.snapshots_dir), faults)
        book = SavedQueries(settings.lab_dir / "saved.db")

        def note(query: Query) -> None:
            try:
                book.note(query)
            except StoreUnavailable as fault:
                log.warning("A query of %s is not in the history: %s", query.person, fault)

        published = published_dir(settings)
        worker = WorkerSettings(
            published, published / MINUTES, settings.lab_dir / "work", settings.zone, limits.memory_mb, limits.spill_mb
        )
        queries = Queries(worker, publications.in_use, note, clock, limits, faults)
        return cls(publications, queries, book, faults)

    def published_path(self) -> Path | None:
        """Return the published file in use; None while there is none."""
        published = self.publications.in_use()
        return None if published is None else published.path

    def start(self) -> None:
        """Start queries and publications."""
        self.queries.start()
        self.publications.start()

    async def close(self) -> None:
        await self.publications.close()
        await self.queries.close()
