"""Run configured sources side by side; a fault of one never stops another."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connectors.back_off import MAX_WAIT_S, BackOff
from connectors.base import LOG, Connector, ConnectorContext
from connectors.batching import WriterCounts
from connectors.configuration import SourceConfiguration, SourceDirectory
from connectors.personal import PersonalFields
from connectors.producer import SharedProducer
from connectors.registry import KINDS, PULLED, Direction
from connectors.replay_log import ReplayLog
from connectors.source_state import ArrivalTracker, SourceFacts, SourceHealth, state_of
from connectors.writer import SourceWriter
from ioc import topics
from ioc.catalog.catalog import Catalog
from ioc.clock import Clock, SystemClock
from ioc.errors import BrokerUnavailable, ConfigurationInvalid, SourceUnavailable, SpoolFull
from ioc.fault_register import FaultRegister
from ioc.messages import Message
from ioc.model.source import SourceCondition, SourceState
from ioc.settings import Settings
from ioc.wire.source_states import encode_state

LOOK_EVERY_S = 1.0
REPORT_EVERY_S = 3.0


@dataclass
class RunningSource:
    """One source that runs here. `connector` and `writer` are None until they could be made.

    `published` is what of its state was published last, at `published_at`.
    """

    source: str
    configuration: SourceConfiguration | None
    arrivals: ArrivalTracker
    health: SourceHealth = field(default_factory=SourceHealth)
    connector: Connector | None = None
    writer: SourceWriter | None = None
    task: asyncio.Task[None] | None = None
    published: tuple[object, ...] = ()
    published_at: datetime | None = None


class Runner:
    """Runs the sources of `kinds` that `settings.sources_dir` configures.

    `ioc connect` runs the pulled kinds, `ioc serve` the pushed ones. A changed, added or removed file takes effect
    within 2 s.
    """

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        kinds: Sequence[str] = PULLED,
        clock: Clock | None = None,
        faults: FaultRegister | None = None,
        follow: Callable[[], Catalog] | None = None,
    ) -> None:
        """Prepare; `run` begins.

        `follow` returns the catalogue in force; it is called about once a second in a thread and may read files. None:
        `catalog` stays in force.
        """
        self._settings = settings
        self._catalog = catalog
        self._kinds = kinds
        # The kind of a file that cannot be read is unknown; the process with the pulled kinds reports it.
        self._reports_unreadable = any(KINDS[kind].direction is Direction.PULL for kind in kinds)
        self._clock = clock or SystemClock()
        self._faults = faults
        self._follow = follow or (lambda: catalog)
        # Shared by all sources, so that a new catalogue takes effect for all of them at once.
        self._context = ConnectorContext(catalog.vocabulary, self._clock, settings.zone, settings.data_dir)
        self._trouble: str = ""
        self._running: dict[str, RunningSource] = {}
        self._producer: SharedProducer | None = None
        self._replays: ReplayLog | None = None

    async def run(self, on_round: Callable[[Exception | None], None] = lambda _: None) -> None:
        """Run until cancelled; what is buffered is then delivered or on disk. May be called again after it has ended.

        `on_round` is called about once a second with what failed in that round, or None. Raises ConfigurationInvalid
        when no broker is configured.
        """
        self._directory = SourceDirectory(self._settings.sources_dir)
        self._running = {}
        self._producer = SharedProducer(
            self._settings.bootstrap(),
            self._settings.data_dir,
            partitions=self._settings.partitions,
            measures=self._catalog.vocabulary.measures,
            security=self._settings.security,
            clock=self._clock,
            faults=self._faults,
        )
        self._replays = ReplayLog(self._producer)
        try:
            while True:
                failure: Exception | None = None
                try:
                    await self._follow_catalog()
                    await self._replay()
                    await self._follow_files()
                except (OSError, ConfigurationInvalid) as fault:  # what runs goes on; the next round reads again
                    failure = fault
                    LOG.warning("the configured sources cannot be read: %r", fault)
                reason = failure.message if isinstance(failure, ConfigurationInvalid) else str(failure)
                self._trouble = Message("sources_unread", reason=reason) if failure else ""
                await self._publish_states()
                on_round(failure)
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            await asyncio.gather(*(self._stop(running) for running in self._running.values()))
            await asyncio.to_thread(self._replays.close)
            await asyncio.to_thread(self._producer.close)

    def writer_of(self, source: str) -> SourceWriter:
        """Return the writer of a source.

        Raises ConfigurationInvalid when no source of that name runs here, BrokerUnavailable when it is not open yet.
        """
        running = self._running.get(source)
        if running is None:
            raise ConfigurationInvalid(Message("no_such_source", source=source))
        if running.writer is None or running.connector is None:
            if running.health.condition is SourceCondition.FAILING:
                raise ConfigurationInvalid(Message.of(running.health.error))
            raise BrokerUnavailable(Message("source_starting", source=source))
        return running.writer

    def states(self) -> list[SourceState]:
        """Return the state of each source that runs here."""
        return [self._state(running) for running in self._running.values()]

    async def _follow_catalog(self) -> None:
        """Let all sources check against the catalogue in force. Raises ConfigurationInvalid, OSError."""
        catalog = await asyncio.to_thread(self._follow)
        if catalog is not self._catalog:
            assert self._producer is not None
            self._catalog = catalog
            self._context.vocabulary = catalog.vocabulary
            self._producer.measures = catalog.vocabulary.measures

    async def _replay(self) -> None:
        """Carry out the requested replays of the sources that run here."""
        assert self._replays is not None
        for request in await asyncio.to_thread(self._replays.requests_for, self._running.keys()):
            running = self._running[request.source]
            if running.connector is None or running.writer is None or not running.writer.is_open:
                self._replays.put_back(request)
                continue
            try:
                result = await running.connector.replay(running.writer, request)
            except (SpoolFull, BrokerUnavailable) as fault:
                LOG.warning("source %s: the replay waits: %s", request.source, fault)
                self._replays.put_back(request)
            else:
                await asyncio.to_thread(self._replays.publish, result)

    async def _follow_files(self) -> None:
        changes = await asyncio.to_thread(self._directory.changes)
        for source in changes.gone:
            if (running := self._running.pop(source, None)) is not None:
                await self._stop(running)
                await self._publish(source, None)
        for source, read in changes.read.items():
            runs_here = isinstance(read, ConfigurationInvalid) or read.kind in self._kinds
            if (running := self._running.pop(source, None)) is not None:
                await self._stop(running)
                if not runs_here:
                    continue
            if isinstance(read, ConfigurationInvalid):
                self._add_unreadable(source, read)
            elif runs_here:
                running = RunningSource(source, read, ArrivalTracker(self._clock.now()))
                running.task = asyncio.create_task(self._run_source(running, read))
                self._running[source] = running

    def _add_unreadable(self, source: str, fault: ConfigurationInvalid) -> None:
        if self._reports_unreadable:
            health = SourceHealth(SourceCondition.FAILING, fault.message)
            self._running[source] = RunningSource(source, None, ArrivalTracker(self._clock.now()), health)

    async def _run_source(self, running: RunningSource, configuration: SourceConfiguration) -> None:
        try:
            running.connector = KINDS[configuration.kind].load_class()(configuration, self._context)
        except ConfigurationInvalid as fault:
            running.health = SourceHealth(SourceCondition.FAILING, fault.message)
            return
        except Exception as fault:  # noqa: BLE001  one source's fault must not stop the others
            LOG.exception("source %s", running.source)
            running.health = SourceHealth(SourceCondition.FAILING, Message("connector_not_made", reason=repr(fault)))
            return
        # A source's own failures are retried at its own pace; failures on the centre's side are retried sooner.
        for_source, for_centre = BackOff(running.connector.max_wait_s), BackOff(MAX_WAIT_S)
        while True:
            succeeded_at = running.connector.report.last_success
            back_off, retry_in_s = for_centre, 0.0
            try:
                if running.writer is None:
                    running.writer = await asyncio.to_thread(self._make_writer, configuration)
                await asyncio.wrap_future(running.writer.opened)
                await self._feed(running, running.connector, running.writer)
            except SourceUnavailable as fault:
                running.health = SourceHealth(SourceCondition.UNAVAILABLE, fault.message)
                back_off, retry_in_s = for_source, fault.retry_in_s
            except ConfigurationInvalid as fault:
                running.health = SourceHealth(SourceCondition.FAILING, fault.message)
                if running.writer is not None:
                    return  # another try before the file changes would fail as well
            except (SpoolFull, BrokerUnavailable) as fault:
                running.health = SourceHealth(SourceCondition.REFUSING, fault.message)
            except Exception as fault:  # noqa: BLE001  one source's fault must not stop the others
                LOG.exception("source %s", running.source)
                running.health = SourceHealth(SourceCondition.FAILING, Message("connector_failed", reason=repr(fault)))
            if running.connector.report.last_success != succeeded_at:
                for_source.succeeded()
                for_centre.succeeded()
            await asyncio.sleep(back_off.next_s(retry_in_s))

    def _make_writer(self, configuration: SourceConfiguration) -> SourceWriter:
        """Make the source's writer; may block. Raises ConfigurationInvalid while another process has the source."""
        assert self._producer is not None
        personal = PersonalFields(
            configuration.personal, self._settings.personal_key, lambda: self._catalog.vocabulary.case_types
        )
        return SourceWriter(
            self._producer, configuration.source, same_key=configuration.same_key, protect=personal.protect
        )

    async def _feed(self, running: RunningSource, connector: Connector, writer: SourceWriter) -> None:
        """Run the connector; an earlier fault is shown until the source has answered again."""
        succeeded_at = connector.report.last_success
        if running.health.condition in (SourceCondition.REFUSING, SourceCondition.FAILING):
            running.health = SourceHealth()
        feeding = asyncio.ensure_future(connector.run(writer))
        try:
            while not feeding.done():
                await asyncio.wait({feeding}, timeout=LOOK_EVERY_S)
                if connector.report.last_success != succeeded_at:
                    running.health = SourceHealth()
            await feeding
        finally:
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await feeding

    async def _stop(self, running: RunningSource) -> None:
        if running.task is not None:
            running.task.cancel()
            # Whatever a connector raises at its end: the writer must be closed, or no other process may run the source.
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await running.task
        if running.writer is not None:
            await asyncio.to_thread(running.writer.close)

    async def _publish_states(self) -> None:
        """Publish the states that have changed, and each at least every REPORT_EVERY_S."""
        now = self._clock.now()
        for running in list(self._running.values()):
            state = self._state(running)
            news = (state.condition, state.error, state.received, state.rejected, state.duplicate, state.buffered)
            due = running.published_at is None or (now - running.published_at).total_seconds() >= REPORT_EVERY_S
            if due or news != running.published:
                running.published, running.published_at = news, now
                await self._publish(running.source, encode_state(state))

    def _state(self, running: RunningSource) -> SourceState:
        now = self._clock.now()
        writer, connector = running.writer, running.connector
        counts = writer.counts() if writer else WriterCounts()
        running.arrivals.observe(counts.received, now)
        return state_of(
            SourceFacts(
                source=running.source,
                configuration=running.configuration,
                counts=counts,
                health=self._health(running),
                last_success=connector.report.last_success if connector else None,
                arrivals=running.arrivals,
            ),
            now,
        )

    def _health(self, running: RunningSource) -> SourceHealth:
        """Return the health with the most important sentence: the runner's, the writer's, the connector's."""
        writer, connector = running.writer, running.connector
        if running.health.condition is not None:
            return running.health
        if writer is not None and writer.error:
            return SourceHealth(SourceCondition.REFUSING, writer.error)
        if writer is not None and writer.notice:
            return SourceHealth(error=writer.notice)
        if connector is not None and connector.report.sentence:
            return SourceHealth(error=connector.report.sentence)
        if self._trouble:
            return SourceHealth(error=self._trouble)
        return running.health

    async def _publish(self, source: str, value: bytes | None) -> None:
        assert self._producer is not None
        producer = self._producer
        try:
            await asyncio.to_thread(
                lambda: producer.kafka_producer().send(topics.SOURCES, key=source.encode(), value=value, partition=0)
            )
        except Exception as fault:  # noqa: BLE001  a producer that is being replaced may raise anything
            LOG.debug("state of %s not published: %r", source, fault)
