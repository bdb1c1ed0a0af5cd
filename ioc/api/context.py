"""The parts of a running centre that the API needs, in one object per process."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends
from prometheus_client import CollectorRegistry
from starlette.requests import HTTPConnection

from ioc.alert_service.context import AlertingContext
from ioc.alert_service.service import AlertService
from ioc.api.http.body_reader import BodyReader
from ioc.api.http.threads import WorkerThreads
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
    """Everything `create_app` needs. Routes receive it as a parameter of type `Context`.

    Functions marked (T) block; call them in `threads`.

    - `personal_fields(source)`: names of the fields that a source declares personal.
    - `catalog()`: the definitions in force.
    - `reload_catalog()` (T): read the definitions again and put them in force. Raises CatalogInvalid.
    - `sources()` (T): the state of every source.
    - `ledger()` (T): the account of all records. Raises StoreUnavailable.
    - `cursor()`: a new DuckDB cursor for one query.
    - `source_token(source)`: the token of a push source; None for a source without one.
    - `alerting`: the alert service and its parts.
    - `take_snapshot()` (T): copy the store for readers. Raises SnapshotFailed.
    - `replay(source, since, by)` (T): read the refused records of a source again. Raises ReplayNotTaken.
    - `verify_archive()` (T): read every file of the archive. Raises StoreUnavailable.
    - `faults()`: faults that keep parts of the centre from working.
    - `notices()`: what a person has to mend while all parts work.
    - `examine()` (T): findings about the whole machine (ioc/doctor), already as JSON.
    - `starting()`: what the centre still waits for at its start; None once it has started.
    - `threads`, `bodies`: shared by all routes, since each has a limit for the whole process.
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
    threads: WorkerThreads = field(default_factory=WorkerThreads)
    bodies: BodyReader = field(default_factory=BodyReader)


def _no_snapshot() -> Snapshot:
    raise SnapshotFailed(Message("no_store"))


async def get_context(connection: HTTPConnection) -> ApiContext:
    """Return the context that `create_app` was given."""
    context: ApiContext = connection.app.state.context
    return context


async def get_alert_service(connection: HTTPConnection) -> AlertService:
    """Return the alert service of the context."""
    context: ApiContext = connection.app.state.context
    return context.alerting.service


Context = Annotated[ApiContext, Depends(get_context)]
Alerts = Annotated[AlertService, Depends(get_alert_service)]
