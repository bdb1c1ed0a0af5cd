"""The parts of a running centre that the API speaks for."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry

from ioc.alert_service.context import AlertingContext
from ioc.api.live.hub import Hub
from ioc.api.ports import Cursor, Kpis, PushEndpoint
from ioc.catalog import Catalog
from ioc.clock import Clock, SystemClock
from ioc.messages import Message
from ioc.model.fault import Fault
from ioc.model.ledger import Ledger
from ioc.model.source import SourceState
from ioc.people import People
from ioc.settings import Settings
from ioc.store.archive_verifier import ArchiveReport
from ioc.store.replays import ReplayOutcome
from ioc.store.snapshot import Snapshot, SnapshotFailed


@dataclass(frozen=True)
class ApiContext:
    """Everything `create_app` needs.

    `personal_fields` names the fields that a source declares personal.

    `catalog` gives the definitions in force; `reload_catalog` reads them anew and puts them in force (raises
    CatalogInvalid). `sources` and `ledger` are called from worker threads. `cursor` gives a new DuckDB cursor for one
    query. `source_token` gives a push source's token, None for a source that has none. `alerting` is the alert service.
    `take_snapshot` copies the store for readers (raises SnapshotFailed; called from worker threads).
    `replay` has the refused records of a source read again, from a moment on, for the person named (raises
    ReplayNotTaken; called from worker threads).
    `verify_archive` reads every file of the archive (raises StoreUnavailable; called from worker threads).
    `faults` are those of its parts at present, `notices` what a person has to mend while all parts work; `examine`
    looks at the whole machine (ioc/doctor) and gives findings as the API shapes them, from a worker thread;
    `starting` says what the centre still waits for at its start.
    """

    settings: Settings
    admin_token: str
    people: People
    hub: Hub
    kpis: Kpis
    catalog: Callable[[], Catalog]
    reload_catalog: Callable[[], Catalog]
    sources: Callable[[], Sequence[SourceState]]
    ledger: Callable[[], Ledger]
    cursor: Callable[[], Cursor]
    push: PushEndpoint
    source_token: Callable[[str], str | None]
    alerting: AlertingContext
    take_snapshot: Callable[[], Snapshot] = field(default_factory=lambda: _no_snapshot)
    replay: Callable[[str, datetime | None, str], ReplayOutcome] = lambda *_: ReplayOutcome()
    faults: Callable[[], tuple[Fault, ...]] = tuple
    notices: Callable[[], tuple[Fault, ...]] = tuple
    examine: Callable[[], Sequence[Mapping[str, Any]]] = tuple
    starting: Callable[[], Fault | None] = lambda: None
    verify_archive: Callable[[], ArchiveReport] = lambda: ArchiveReport(0, 0, ())
    personal_fields: Callable[[str], Collection[str]] = lambda _source: ()
    clock: Clock = field(default_factory=SystemClock)
    metrics: CollectorRegistry = field(default_factory=CollectorRegistry)


def _no_snapshot() -> Snapshot:
    raise SnapshotFailed(Message("no_store"))
