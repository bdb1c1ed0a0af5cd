"""`ioc serve`: historian, KPIs, API and wall in one process, the one owner of the store."""

import gc
import logging
import sys
import time
from collections import deque
from collections.abc import Collection
from dataclasses import replace
from typing import Protocol

import click

from connectors.configuration import PERSONAL_CASE_FIELDS, PERSONAL_READING_FIELDS, read_source
from connectors.http_push.connector import HttpPushEndpoint
from connectors.personal import personal_names
from connectors.registry import PUSHED
from connectors.runner import Runner
from ioc import topics
from ioc.alert_service.context import AlertingContext
from ioc.alert_service.incident_store import IncidentStore
from ioc.alert_service.kpi_history import KpiHistory
from ioc.alert_service.service import AlertService, AlertServiceConfig
from ioc.api.app import create_app
from ioc.api.auth.bearer import SOURCE_NAME
from ioc.api.auth.proxies import TrustedProxies
from ioc.api.context import ApiContext
from ioc.api.live.hub import Hub
from ioc.api.routes.displays import displays_in_force
from ioc.api.server import serve, warm
from ioc.catalog import Catalog, load_kept
from ioc.clock import SystemClock
from ioc.commands.doctor import examine_centre
from ioc.errors import BrokerUnavailable, ConfigurationInvalid, StoreDamaged, StoreUnavailable
from ioc.evaluation.evaluator import Evaluator
from ioc.evaluation.restater import Restater
from ioc.fault_register import FaultRegister
from ioc.kafka import create_topics, reach
from ioc.model.fault import Fault
from ioc.model.ledger import Ledger
from ioc.people import People
from ioc.people.full_names import FullNames
from ioc.periodic_thread import PeriodicThread, reason_of
from ioc.private_files import check_private
from ioc.server.alert_loop import AlertLoop
from ioc.server.evaluation_loop import EvaluationLoop, EvaluationOutputs
from ioc.server.lab_watch import LabWatch
from ioc.server.machine_watch import MachineWatch
from ioc.server.outbox_sender import OutboxSender
from ioc.server.push_sources import PushSources
from ioc.server.replays import Replays
from ioc.server.restatement_loop import RestatementLoop
from ioc.server.self_monitoring import SelfMonitoring
from ioc.server.self_report import SelfReport
from ioc.server.snapshots import Snapshots
from ioc.server.source_watch import SourceWatch
from ioc.server.spool_watch import SpoolWatch
from ioc.server.stand_in import stand_in, store_opens
from ioc.server.topic_publishers import AlertPublisher, KpiPublisher, TopicPublisher
from ioc.server.trail_anchors import TrailAnchors
from ioc.settings import Settings, record_province
from ioc.store import Maintenance, Store
from ioc.store.archive_verifier import verify_all
from ioc.store.historian import Condition, Historian
from ioc.store.ledger import read_ledger

LOG = logging.getLogger(__name__)
BROKER_WITHIN_S = 3.0
FIRST_EVALUATION_WITHIN_S = 30.0
# While an evaluation computes, who only wants to answer or to send waits for this long at each step of it; Python's own
# 5 ms make seconds of a start.
SWITCH_S = 0.0005
_DAY_S = 86_400.0


@click.command()
def command() -> None:
    """Run the historian, the KPI evaluation, the API with its websocket, and the pages."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("kafka").setLevel(
        logging.CRITICAL
    )  # a broker that is away is a state, told once by who misses it
    sys.setswitchinterval(SWITCH_S)
    settings = Settings.from_environment()
    proxies = TrustedProxies(settings.trusted_proxies)
    check_private(settings.data_dir)
    _await_topics(settings)
    try:
        serving = Serving(settings)
    except StoreDamaged as fault:
        damaged = Fault.of("store_damaged", SystemClock().now(), reason=str(fault))
        stand_in(settings, damaged, lambda: store_opens(settings))
        return  # opened again or asked to stop: whoever started this process starts it again where it should go on
    app = create_app(serving.centre)
    warm(app)
    with serving:
        serve(app, settings.http_host, settings.http_port, trusted=proxies, metrics=serving.centre.metrics)


class Part(Protocol):
    """A part that runs in the background."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


class Serving:
    """The parts of `ioc serve`, started in the order in which they are waited for, stopped the other way round.

    A push source opens by asking the broker for some hundred milliseconds, so that begins before anything is loaded.
    What nobody waits for begins after the first evaluation (or FIRST_EVALUATION_WITHIN_S), which it would slow down.
    """

    def __init__(self, settings: Settings) -> None:
        """Raises StoreUnavailable, CatalogInvalid, ConfigurationInvalid."""
        self._settings = settings
        self._clock = SystemClock()
        self._began_at = self._clock.now()
        self._faults = FaultRegister(self._clock)
        self._was_whole = False
        self._people_damaged: Fault | None = None
        self._catalog = load_kept(settings.province, settings.catalog_dir, settings.kept_dir)
        runner = Runner(settings, self._catalog, PUSHED, self._clock, self._faults, lambda: self._catalog)
        self._push_sources = PushSources(runner, self._faults)
        self._push_sources.start()
        try:
            self._store = Store.open(settings.store_path, settings.archive_dir, zone=settings.zone)
        except StoreUnavailable:
            self._push_sources.stop()
            raise
        self._store.claim(settings.province)
        record_province(settings)
        self._hub = Hub(self._clock, self._min_samples)
        bootstrap, security = settings.bootstrap(), settings.security
        self._sources = SourceWatch(
            bootstrap, security, self._clock, lambda name: self._hub.publish(removed_sources=[name]), self._faults
        )
        self._faults.add_check(SpoolWatch(settings.data_dir, self._sources.states))
        restater = Restater(self._store, settings.zone, lambda: self._catalog)
        self._restating = RestatementLoop(restater, self._clock, self._faults)
        self._evaluator = Evaluator(
            self._catalog,
            self._store,
            settings.zone,
            sources=self._sources.states,
            restated=restater.restated,
            kept_path=settings.kept_dir / "values.npz",
        )
        kpis, alerts = (TopicPublisher(bootstrap, security, topic) for topic in (topics.KPIS, topics.ALERTS))
        self._kpi_topic = KpiPublisher(kpis, self._evaluator.values, self._min_samples, self._clock)
        self._alert_topic = AlertPublisher(alerts, self._clock)
        place = AlertServiceConfig(
            settings.catalog_dir,
            settings.channels_path,
            settings.zone,
            f"{settings.outer_address}/ops",
            settings.kept_dir / "good",
        )
        self._service = AlertService(self._store, self._catalog, place, self._clock)
        people = self._open_people()
        self._service.full_name = FullNames(people.accounts.all, self._clock)
        self._deliveries = OutboxSender(
            self._service.store, lambda: self._service.in_force.channels, self._clock, faults=self._faults
        )
        past = KpiHistory(self._store, settings.zone)
        province = self._catalog.province.code
        own = SelfMonitoring(province, settings.data_dir, self._sources.states, self._ledger, self._service)
        self._alerting = AlertLoop(
            self._service,
            past,
            self._evaluator.published,
            own.values,
            self._hub,
            self._alert_topic.publish,
            self._deliveries.take,
            self._clock,
            self._faults,
        )
        outlets = EvaluationOutputs(
            self._hub, self._kpi_topic.publish, self._sources.states, self._ledger, self._alerting.wake
        )
        self._pulse = EvaluationLoop(self._evaluator, outlets, self._clock, self._faults)
        self._historian = Historian(self._store, bootstrap, security, self._pulse.take, faults=self._faults)
        self._maintenance = Maintenance(self._store, faults=self._faults)
        self._snapshots = Snapshots(
            self._store, settings.snapshots_dir, self._sources.states, self._clock, self._faults
        )
        self_report = SelfReport(province, own.figures, runner.writer_of, self._clock, self._faults)
        push = HttpPushEndpoint(runner.writer_of, lambda: self._catalog.vocabulary, self._clock)
        self.centre = ApiContext(
            settings=settings,
            admin_token=settings.admin_token(),
            people=people,
            hub=self._hub,
            kpis=self._evaluator,
            catalog=lambda: self._catalog,
            reload_catalog=self._reload,
            sources=self._sources.states,
            ledger=self._ledger,
            cursor=self._store.cursor,
            push=push,
            source_token=self._source_token,
            replay=Replays(self._store, bootstrap, security, self._clock).replay,
            alerting=AlertingContext(
                self._service,
                IncidentStore(self._service.store, self._clock),
                past,
                self._deliveries.try_channel,
                self._deliveries.retry,
                self._deliveries.waits,
            ),
            take_snapshot=self._snapshots.take,
            faults=self._faults.current,
            notices=self._notices,
            examine=lambda: [finding.shape() for finding in examine_centre(settings)],
            starting=self._starting,
            verify_archive=lambda: verify_all(self._store, self._clock.now()),
            personal_fields=self._personal_fields,
            clock=self._clock,
        )
        self._lab_watch = LabWatch(settings.lab_socket, settings.data_dir / "log" / "lab.log", self._clock)
        trail_anchors = TrailAnchors(
            people.trail.newest, TopicPublisher(bootstrap, security, topics.TRAIL_ANCHORS), self._clock, self._faults
        )
        self._first: tuple[Part, ...] = (
            MachineWatch(settings.data_dir, self._faults),
            self._historian,
            self._sources,
            self._pulse,
            self._deliveries,
        )
        self._after: tuple[Part, ...] = (
            self._alerting,
            self._maintenance,
            self._restating,
            self_report,
            self._snapshots,
            self._lab_watch,
            trail_anchors,
        )
        self._waiting_to_start: deque[Part] = deque(self._after)
        self._after_until_s = time.monotonic() + FIRST_EVALUATION_WITHIN_S
        self._later = PeriodicThread("starting", self._start_what_can_wait, 0.1, self._faults)

    def __enter__(self) -> "Serving":
        for part in self._first:
            part.start()
        gc.freeze()  # what is loaded by now stays for good; collections need not look at it
        self._later.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._later.stop()
        for part in (*reversed(self._after), self._push_sources, *reversed(self._first)):
            part.stop()
        self._kpi_topic.close()
        self._alert_topic.close()
        self._store.close()

    def _start_what_can_wait(self) -> float | None:
        if not self._evaluator.is_whole and time.monotonic() < self._after_until_s:
            return None
        while self._waiting_to_start:
            self._waiting_to_start[0].start()
            self._waiting_to_start.popleft()
        return _DAY_S  # there is nothing more to do

    def _min_samples(self, kpi: str) -> int:
        definition = self._catalog.kpis.get(kpi)
        return definition.min_samples if definition else 1

    def _ledger(self) -> Ledger:
        with self._store.cursor() as cursor:
            ledger = read_ledger(cursor, self._historian.log_view(), self._sources.states())
        known = {(fault.code, fault.detail) for fault in ledger.coded_faults}
        others = tuple(fault for fault in self._faults.current() if (fault.code, fault.detail) not in known)
        return replace(ledger, coded_faults=ledger.coded_faults + others)

    def _reload(self) -> Catalog:
        found = load_kept(self._settings.province, self._settings.catalog_dir, self._settings.kept_dir, strict=True)
        self._service.reload(found)
        self._catalog = found
        self._evaluator.reload(found)
        self._pulse.replace_definitions()
        return self._catalog

    def _open_people(self) -> People:
        """Nobody can log in while the file is damaged; what needs no account goes on."""
        try:
            return People.open(self._settings.people_path, self._clock)
        except StoreUnavailable as fault:
            LOG.error("%s", fault)
            self._people_damaged = Fault.of(
                "people_damaged", self._clock.now(), file=str(self._settings.people_path), reason=str(fault)
            )
            return People.unusable(self._settings.people_path, self._clock)

    def _notices(self) -> tuple[Fault, ...]:
        """Return faults that a person has to correct although all parts work."""
        try:
            displays = displays_in_force(self._catalog, self._settings).faults
        except OSError:  # no descriptor is left, which is a fault of its own
            displays = ()
        faulty = {*self._catalog.faults, *self._service.in_force.faults, *displays}
        notices = [
            Fault.of("definition_faulty", self._began_at, file=fault.file, reason=str(fault).removeprefix(fault.file))
            for fault in sorted(faulty, key=str)
        ]
        return (*([self._people_damaged] if self._people_damaged else []), *notices, *self._lab_watch.notices())

    def _personal_fields(self, source: str) -> Collection[str]:
        """Return the fields that source and catalogue declare personal; all possible ones where the source's file is
        faulty."""
        declared = {name for kind in self._catalog.vocabulary.case_types.values() for name in kind.personal}
        path = self._settings.sources_dir / f"{source}.toml"
        if not SOURCE_NAME.fullmatch(source) or not path.exists():
            return declared
        try:
            return personal_names(read_source(path), declared)
        except ConfigurationInvalid:
            return declared | {*PERSONAL_CASE_FIELDS, *PERSONAL_READING_FIELDS}

    def _source_token(self, source: str) -> str | None:
        known = (self._settings.sources_dir / f"{source}.toml").exists()
        return self._settings.source_token(source) if known else None

    def _starting(self) -> Fault | None:
        """Return what the start still waits for before data can flow."""
        if self._historian.state().condition is Condition.STARTING:
            return Fault.of("starting", self._began_at, step="the historian reads its place in Kafka")
        self._was_whole = self._was_whole or self._evaluator.is_whole
        if not self._was_whole:
            return Fault.of("starting", self._began_at, step="the first evaluation of all KPIs")
        return None


def _await_topics(settings: Settings) -> None:
    """Make the topics. While the broker is away the pages and `/readyz` say so. Raises ConfigurationInvalid."""
    deadline = time.monotonic() + BROKER_WITHIN_S
    while (reason := _missing_topics(settings)) and time.monotonic() < deadline:
        time.sleep(0.2)
    if reason:
        fault = Fault.of("broker_away", SystemClock().now(), thread="serve", reason=reason)
        stand_in(settings, fault, lambda: not _missing_topics(settings))


def _missing_topics(settings: Settings) -> str:
    """Make the topics that are missing; return why that cannot be done now, or ""."""
    bootstrap = settings.bootstrap()
    try:
        reach(bootstrap, BROKER_WITHIN_S)
        create_topics(bootstrap, settings.security, settings.partitions)
    except (BrokerUnavailable, OSError) as failure:
        return reason_of(failure)
    return ""
