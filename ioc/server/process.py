"""The process `ioc serve`: build all parts, start them in order, stop them in the opposite order."""

import gc
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from connectors.http_push.connector import HttpPushEndpoint
from connectors.registry import PUSHED
from connectors.runner import Runner
from ioc import topics
from ioc.api.context import ApiContext
from ioc.api.live.hub import Hub
from ioc.catalog import Catalog, load_kept
from ioc.clock import SystemClock
from ioc.errors import StoreUnavailable
from ioc.evaluation.evaluator import Evaluator
from ioc.evaluation.restater import Restater
from ioc.fault_register import FaultRegister
from ioc.model.fault import Fault
from ioc.model.ledger import Ledger
from ioc.people import People
from ioc.periodic_thread import PeriodicThread
from ioc.server.alerting import build_alerting
from ioc.server.context import ServerContext, min_samples_of
from ioc.server.evaluation_loop import EvaluationLoop, EvaluationOutputs
from ioc.server.lab_watch import LabWatch
from ioc.server.machine_watch import MachineWatch
from ioc.server.push_sources import PushSources
from ioc.server.replays import Replays
from ioc.server.restatement_loop import RestatementLoop
from ioc.server.snapshots import Snapshots
from ioc.server.source_files import SourceFiles
from ioc.server.source_watch import SourceWatch
from ioc.server.spool_watch import SpoolWatch
from ioc.server.status import ServerStatus
from ioc.server.topic_publishers import KpiPublisher, TopicPublisher
from ioc.server.trail_anchors import TrailAnchors
from ioc.settings import Settings, record_province
from ioc.store import Maintenance, Store
from ioc.store.archive_verifier import verify_all
from ioc.store.historian import Historian

LOG = logging.getLogger(__name__)
FIRST_EVALUATION_WITHIN_S = 30.0
_DAY_S = 86_400.0


class Part(Protocol):
    """A part that runs in the background."""

    def start(self) -> None:
        """Start it."""

    def stop(self) -> None:
        """Stop it and wait for its end."""


class ServerProcess:
    """All parts of `ioc serve`; a context manager that runs them. `api` is what the API needs of them.

    Push sources start before anything is loaded, because opening one takes the broker some hundred milliseconds.
    Parts that nobody waits for start after the first evaluation (or FIRST_EVALUATION_WITHIN_S), which they would slow
    down.
    """

    def __init__(self, settings: Settings, examine: Callable[[], Sequence[Mapping[str, Any]]]) -> None:
        """Build all parts; `examine` returns the findings of `ioc doctor`.

        Raises StoreUnavailable, CatalogInvalid, ConfigurationInvalid.
        """
        self._settings = settings
        clock = self._clock = SystemClock()
        began_at = clock.now()
        faults = self._faults = FaultRegister(clock)
        self._catalog = load_kept(settings.province, settings.catalog_dir, settings.kept_dir)
        runner = Runner(settings, self._catalog, PUSHED, clock, faults, self._present_catalog)
        self._push_sources = PushSources(runner, faults)
        self._push_sources.start()
        self._store = self._open_store()
        people, people_fault = self._open_people()
        self._hub = Hub(clock, lambda kpi: min_samples_of(self._catalog, kpi))
        bootstrap, security = settings.bootstrap(), settings.security
        sources = SourceWatch(bootstrap, security, clock, self._forget_source, faults)
        faults.add_check(SpoolWatch(settings.data_dir, sources.states))
        server = ServerContext(
            settings, clock, faults, self._store, self._hub, self._present_catalog, sources.states, self._ledger
        )
        restater = Restater(self._store, settings.zone, self._present_catalog)
        self._evaluator = Evaluator(
            self._catalog,
            self._store,
            settings.zone,
            sources=sources.states,
            restated=restater.restated,
            kept_path=settings.kept_dir / "values.npz",
        )
        self._alerting = build_alerting(server, people, self._evaluator.published, runner.writer_of)
        self._kpi_publisher = KpiPublisher(
            TopicPublisher(bootstrap, security, topics.KPIS), self._evaluator.values, server.min_samples, clock
        )
        outputs = EvaluationOutputs(
            self._hub, self._kpi_publisher.publish, sources.states, self._ledger, self._alerting.loop.wake
        )
        self._evaluation = EvaluationLoop(self._evaluator, outputs, clock, faults)
        historian = Historian(self._store, bootstrap, security, self._evaluation.add_commit, faults=faults)
        lab_watch = LabWatch(settings.lab_socket, settings.data_dir / "log" / "lab.log", clock)
        self._status = ServerStatus(
            server, began_at, historian, self._evaluator, self._alerting.service, lab_watch, people_fault
        )
        snapshots = Snapshots(self._store, settings.snapshots_dir, sources.states, clock, faults)
        push = HttpPushEndpoint(runner.writer_of, lambda: self._catalog.vocabulary, clock)
        self.api = self._api_context(server, people, push, snapshots, examine)
        anchors = TopicPublisher(bootstrap, security, topics.TRAIL_ANCHORS)
        self._first: tuple[Part, ...] = (
            MachineWatch(settings.data_dir, faults),
            historian,
            sources,
            self._evaluation,
            self._alerting.outbox,
        )
        self._after: tuple[Part, ...] = (
            self._alerting.loop,
            Maintenance(self._store, faults=faults),
            RestatementLoop(restater, clock, faults),
            self._alerting.self_report,
            snapshots,
            lab_watch,
            TrailAnchors(people.trail.newest, anchors, clock, faults),
        )
        self._waiting_to_start: deque[Part] = deque(self._after)
        self._after_until_s = time.monotonic() + FIRST_EVALUATION_WITHIN_S
        self._later = PeriodicThread("starting", self._start_what_can_wait, 0.1, faults)

    def __enter__(self) -> "ServerProcess":
        for part in self._first:
            part.start()
        gc.freeze()  # what is loaded by now stays for good, so collections need not visit it
        self._later.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._later.stop()
        for part in (*reversed(self._after), self._push_sources, *reversed(self._first)):
            part.stop()
        self._kpi_publisher.close()
        self._alerting.publisher.close()
        self._store.close()

    def _api_context(
        self,
        server: ServerContext,
        people: People,
        push: HttpPushEndpoint,
        snapshots: Snapshots,
        examine: Callable[[], Sequence[Mapping[str, Any]]],
    ) -> ApiContext:
        settings, store, files = server.settings, server.store, SourceFiles(server.settings, server.catalog)
        return ApiContext(
            settings=settings,
            admin_token=settings.admin_token(),
            people=people,
            hub=server.hub,
            kpis=self._evaluator,
            catalog=server.catalog,
            reload_catalog=self._reload,
            sources=server.sources,
            ledger=server.ledger,
            cursor=store.cursor,
            push=push,
            source_token=files.token,
            replay=Replays(store, settings.bootstrap(), settings.security, server.clock).replay,
            alerting=self._alerting.context,
            take_snapshot=snapshots.take,
            faults=server.faults.current,
            notices=self._status.notices,
            examine=examine,
            starting=self._status.starting,
            verify_archive=lambda: verify_all(store, server.clock.now()),
            personal_fields=files.personal_fields,
            clock=server.clock,
        )

    def _open_store(self) -> Store:
        settings = self._settings
        try:
            store = Store.open(settings.store_path, settings.archive_dir, zone=settings.zone)
        except StoreUnavailable:
            self._push_sources.stop()
            raise
        store.claim(settings.province)
        record_province(settings)
        return store

    def _open_people(self) -> tuple[People, Fault | None]:
        """Open the accounts. While the file is damaged nobody can log in; what needs no account works."""
        path = self._settings.people_path
        try:
            return People.open(path, self._clock), None
        except StoreUnavailable as failure:
            LOG.error("%s", failure)
            fault = Fault.of("people_damaged", self._clock.now(), file=str(path), reason=str(failure))
            return People.unusable(path, self._clock), fault

    def _start_what_can_wait(self) -> float | None:
        if not self._evaluator.is_whole and time.monotonic() < self._after_until_s:
            return None
        while self._waiting_to_start:
            self._waiting_to_start[0].start()
            self._waiting_to_start.popleft()
        return _DAY_S  # there is nothing more to do

    def _present_catalog(self) -> Catalog:
        return self._catalog

    def _ledger(self) -> Ledger:
        return self._status.ledger()

    def _forget_source(self, name: str) -> None:
        self._hub.publish(removed_sources=[name])

    def _reload(self) -> Catalog:
        settings = self._settings
        catalog = load_kept(settings.province, settings.catalog_dir, settings.kept_dir, strict=True)
        self._alerting.service.reload(catalog)
        self._catalog = catalog
        self._evaluator.reload(catalog)
        self._evaluation.replace_definitions()
        return self._catalog
