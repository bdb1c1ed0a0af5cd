"""Runs configured sources side by side; one's fault never stops another."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connectors.back_off import LONGEST_WAIT_S, BackOff
from connectors.base import LOG, Connector, Surroundings
from connectors.configuration import SourceConfiguration
from connectors.directory import SourceDirectory
from connectors.personal import PersonalFields
from connectors.producer import Outlet
from connectors.registry import CONNECTORS, PULLED
from connectors.replay_log import ReplayLog
from connectors.source_state import Health, Observation, state_of
from connectors.taken import Counts
from connectors.writer import SourceWriter
from ioc import topics
from ioc.catalog.catalog import Catalog
from ioc.clock import Clock, SystemClock
from ioc.errors import BrokerUnavailable, ConfigurationInvalid, SourceUnavailable, SpoolFull
from ioc.fault_register import FaultRegister
from ioc.model.source import SourceCondition, SourceState
from ioc.settings import Settings
from ioc.wire.source_states import encode_state

LOOK_EVERY_S = 1.0
REPORT_EVERY_S = 3.0


@dataclass
class Running:
    """One source under way. `connector` and `writer` are None until they could be made."""

    source: str
    configuration: SourceConfiguration | None
    observation: Observation
    health: Health = field(default_factory=Health)
    connector: Connector | None = None
    writer: SourceWriter | None = None
    task: asyncio.Task[None] | None = None
    told: tuple[object, ...] = ()
    told_at: datetime | None = None


class Runner:
    """Runs the sources of `kinds` that `settings.sources_dir` configures: `ioc connect` the pulled ones, `ioc serve`
    the pushed ones. A changed, added or removed file takes effect within 2 s."""

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        kinds: Sequence[str] = PULLED,
        clock: Clock | None = None,
        faults: FaultRegister | None = None,
        follow: Callable[[], Catalog] | None = None,
    ) -> None:
        """`follow` gives the catalogue in force; it is called about once a second in a thread and may read files. None:
        `catalog` stays in force."""
        self._settings = settings
        self._catalog = catalog
        self._kinds = kinds
        self._clock = clock or SystemClock()
        self._faults = faults
        self._follow = follow or (lambda: catalog)
        # One for all sources: what they check against changes for all of them at once.
        self._surroundings = Surroundings(catalog.vocabulary, self._clock, settings.zone, settings.data_dir)
        self._trouble = ""
        self._running: dict[str, Running] = {}
        self._outlet: Outlet | None = None
        self._replays: ReplayLog | None = None

    async def run(self, on_round: Callable[[Exception | None], None] = lambda _: None) -> None:
        """Run until cancelled; what is buffered is then delivered or on disk. May be called again after it has ended.

        `on_round` is called about once a second with what failed in that round, or None. Raises ConfigurationInvalid
        when there is no broker.
        """
        self._directory = SourceDirectory(self._settings.sources_dir)
        self._running = {}
        self._outlet = Outlet(
            self._settings.bootstrap(),
            self._settings.data_dir,
            partitions=self._settings.partitions,
            measures=self._catalog.vocabulary.measures,
            security=self._settings.security,
            clock=self._clock,
            faults=self._faults,
        )
        self._replays = ReplayLog(self._outlet)
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
                self._trouble = f"The configured sources cannot be read: {failure}." if failure else ""
                await self._report()
                on_round(failure)
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            await asyncio.gather(*(self._stop(running) for running in self._running.values()))
            await asyncio.to_thread(self._replays.close)
            await asyncio.to_thread(self._outlet.close)

    def writer_of(self, source: str) -> SourceWriter:
        """Return the writer of a source.

        Raises ConfigurationInvalid when no source of that name runs here, BrokerUnavailable when it is not open yet."""
        running = self._running.get(source)
        if running is None:
            raise ConfigurationInvalid(f"No source {source!r} is configured; put {source}.toml into the sources.")
        if running.writer is None or running.connector is None:
            if running.health.condition is SourceCondition.FAILING:
                raise ConfigurationInvalid(running.health.error)
            raise BrokerUnavailable(f"Source {source!r} is starting; send again.")
        return running.writer

    def states(self) -> list[SourceState]:
        """Of each source that runs here."""
        return [self._state(running) for running in self._running.values()]

    async def _follow_catalog(self) -> None:
        """Let all sources check against the catalogue in force. Raises ConfigurationInvalid, OSError."""
        catalog = await asyncio.to_thread(self._follow)
        if catalog is not self._catalog:
            assert self._outlet is not None
            self._catalog = catalog
            self._surroundings.vocabulary = catalog.vocabulary
            self._outlet.measures = catalog.vocabulary.measures

    async def _replay(self) -> None:
        """Read again what was asked for, of the sources that run here."""
        assert self._replays is not None
        for request in await asyncio.to_thread(self._replays.take, self._running.keys()):
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
                await asyncio.to_thread(self._replays.answer, result)

    async def _follow_files(self) -> None:
        changes = await asyncio.to_thread(self._directory.changes)
        for source in changes.gone:
            if (running := self._running.pop(source, None)) is not None:
                await self._stop(running)
                await self._publish(source, None)
        for source, read in changes.read.items():
            ours = isinstance(read, ConfigurationInvalid) or read.kind in self._kinds
            if (running := self._running.pop(source, None)) is not None:
                await self._stop(running)
                if not ours:
                    continue
            if isinstance(read, ConfigurationInvalid):
                self._start_broken(source, read)
            elif ours:
                running = Running(source, read, Observation(self._clock.now()))
                running.task = asyncio.create_task(self._run_source(running, read))
                self._running[source] = running

    def _start_broken(self, source: str, fault: ConfigurationInvalid) -> None:
        # Of a file that cannot be read nobody knows the kind; `ioc connect` tells of it.
        if "mqtt" in self._kinds:
            health = Health(SourceCondition.FAILING, str(fault))
            self._running[source] = Running(source, None, Observation(self._clock.now()), health)

    async def _run_source(self, running: Running, configuration: SourceConfiguration) -> None:
        try:
            running.connector = CONNECTORS[configuration.kind](configuration, self._surroundings)
        except ConfigurationInvalid as fault:
            running.health = Health(SourceCondition.FAILING, str(fault))
            return
        except Exception as fault:  # noqa: BLE001  one source's fault must not stop the others
            LOG.exception("source %s", running.source)
            running.health = Health(SourceCondition.FAILING, f"The connector cannot be made: {fault!r}.")
            return
        # A source is asked again as patiently as it is polled; what fails on the centre's side is tried again sooner.
        of_source, of_centre = BackOff(running.connector.longest_wait_s), BackOff(LONGEST_WAIT_S)
        while True:
            succeeded_at = running.connector.report.last_success
            back_off, retry_in_s = of_centre, 0.0
            try:
                if running.writer is None:
                    running.writer = await asyncio.to_thread(self._writer, configuration)
                await asyncio.wrap_future(running.writer.opened)
                await self._feed(running, running.connector, running.writer)
            except SourceUnavailable as fault:
                running.health = Health(SourceCondition.UNAVAILABLE, str(fault))
                back_off, retry_in_s = of_source, fault.retry_in_s
            except ConfigurationInvalid as fault:
                running.health = Health(SourceCondition.FAILING, str(fault))
                if running.writer is not None:
                    return  # of no use to try again before the file changes
            except (SpoolFull, BrokerUnavailable) as fault:
                running.health = Health(SourceCondition.REFUSING, str(fault))
            except Exception as fault:  # noqa: BLE001  one source's fault must not stop the others
                LOG.exception("source %s", running.source)
                running.health = Health(SourceCondition.FAILING, f"The connector failed: {fault!r}.")
            if running.connector.report.last_success != succeeded_at:
                of_source.succeeded()
                of_centre.succeeded()
            await asyncio.sleep(back_off.next_s(retry_in_s))

    def _writer(self, configuration: SourceConfiguration) -> SourceWriter:
        """Blocks a little. Raises ConfigurationInvalid while another process still runs the source."""
        assert self._outlet is not None
        personal = PersonalFields(
            configuration.personal, self._settings.personal_key, lambda: self._catalog.vocabulary.case_types
        )
        return SourceWriter(
            self._outlet, configuration.source, same_key=configuration.same_key, protect=personal.protect
        )

    async def _feed(self, running: Running, connector: Connector, writer: SourceWriter) -> None:
        """Run the connector; a former fault holds until the source has shown that it answers again."""
        succeeded_at = connector.report.last_success
        if running.health.condition in (SourceCondition.REFUSING, SourceCondition.FAILING):
            running.health = Health()
        feeding = asyncio.ensure_future(connector.run(writer))
        try:
            while not feeding.done():
                await asyncio.wait({feeding}, timeout=LOOK_EVERY_S)
                if connector.report.last_success != succeeded_at:
                    running.health = Health()
            await feeding
        finally:
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await feeding

    async def _stop(self, running: Running) -> None:
        if running.task is not None:
            running.task.cancel()
            # Whatever a connector's end raises: the writer must be closed, or nobody else may run the source.
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await running.task
        if running.writer is not None:
            await asyncio.to_thread(running.writer.close)

    async def _report(self) -> None:
        now = self._clock.now()
        for running in list(self._running.values()):
            state = self._state(running)
            telling = (state.condition, state.error, state.received, state.rejected, state.duplicate, state.buffered)
            due = running.told_at is None or (now - running.told_at).total_seconds() >= REPORT_EVERY_S
            if due or telling != running.told:
                running.told, running.told_at = telling, now
                await self._publish(running.source, encode_state(state))

    def _state(self, running: Running) -> SourceState:
        now = self._clock.now()
        writer, connector = running.writer, running.connector
        counts = writer.counts() if writer else Counts()
        running.observation.see(counts.received, now)
        health = running.health
        if health.condition is None and writer is not None and writer.error:
            health = Health(SourceCondition.REFUSING, writer.error)
        elif health.condition is None and writer is not None and writer.notice:
            health = Health(error=writer.notice)
        elif health.condition is None and connector is not None and connector.report.sentence:
            health = Health(None, connector.report.sentence)
        elif health.condition is None and self._trouble:
            health = Health(None, self._trouble)
        configuration = running.configuration
        return state_of(
            source=running.source,
            kind=configuration.kind if configuration else "",
            name=configuration.name if configuration else {"vi": running.source, "en": running.source},
            expected_every=configuration.expected_every if configuration else None,
            counts=counts,
            health=health,
            last_success=connector.report.last_success if connector else None,
            observation=running.observation,
            now=now,
        )

    async def _publish(self, source: str, value: bytes | None) -> None:
        assert self._outlet is not None
        outlet = self._outlet
        try:
            await asyncio.to_thread(
                lambda: outlet.producer().send(topics.SOURCES, key=source.encode(), value=value, partition=0)
            )
        except Exception as fault:  # noqa: BLE001  a producer that is being replaced raises what it likes
            LOG.debug("state of %s not published: %r", source, fault)
