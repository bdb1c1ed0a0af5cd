"""Follow the states of all sources on `ioc.sources.v1`, in a thread of its own."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from kafka import TopicPartition
from kafka.errors import KafkaError

from ioc.clock import Clock
from ioc.errors import BatchMalformed, BrokerUnavailable
from ioc.fault_register import FaultRegister
from ioc.kafka import Reader, connection
from ioc.messages import Message
from ioc.model.source import SourceCondition, SourceState, error_fields
from ioc.periodic_thread import PeriodicThread
from ioc.topics import SOURCES
from ioc.wire.source_states import decode_state

LOG = logging.getLogger(__name__)
SILENT_AFTER = timedelta(seconds=9)
_POLL_MS = 500


class SourceWatch:
    """Latest state of each source; one whose runner has been silent for SILENT_AFTER counts as unavailable."""

    def __init__(
        self,
        bootstrap: str,
        security: Mapping[str, str],
        clock: Clock,
        on_gone: Callable[[str], None],
        faults: FaultRegister | None = None,
    ) -> None:
        """`on_gone` is called in the watch's thread with the name of a source whose configuration was removed."""
        self._connection = connection(bootstrap, security)
        self._clock = clock
        self._on_gone = on_gone
        self._states: dict[str, SourceState] = {}
        self._thread = PeriodicThread("source-watch", self._work, 0.0, faults)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread, at the latest after 5 s."""
        self._thread.stop(5)

    def states(self) -> list[SourceState]:
        """Return the states now, ordered by the source's name."""
        now = self._clock.now()
        return [without_stale(state, now) for _, state in sorted(self._states.copy().items())]

    def _work(self) -> None:
        try:
            self._follow()
        except KafkaError as failure:
            raise BrokerUnavailable(Message("source_states_unread", reason=repr(failure))) from failure

    def _follow(self) -> None:
        consumer = Reader(**self._connection)
        try:
            partition = TopicPartition(SOURCES, 0)
            consumer.assign([partition])
            consumer.seek_to_beginning(partition)
            while not self._thread.is_stopping:
                for messages in consumer.poll(timeout_ms=_POLL_MS).values():
                    for message in messages:
                        self._apply(message.key, message.value)
                self._thread.succeeded()
        finally:
            consumer.close()

    def _apply(self, key: bytes | None, value: bytes | None) -> None:
        name = (key or b"").decode(errors="replace")
        if not value:
            if self._states.pop(name, None) is not None:
                self._on_gone(name)
            return
        try:
            state = decode_state(value)
        except BatchMalformed as fault:
            LOG.warning("state of source %r: %s", name, fault)
            return
        before = self._states.get(name)
        if state.last_success is None and before is not None:
            # A runner that has just started has received nothing; the last success of the previous one stays.
            state = replace(state, last_success=before.last_success)
        self._states[name] = state


def without_stale(state: SourceState, now: datetime) -> SourceState:
    """Return the state; `unavailable` when its runner has been silent for SILENT_AFTER."""
    if now - state.reported_at <= SILENT_AFTER or state.condition is SourceCondition.UNAVAILABLE:
        return state
    return replace(
        state, condition=SourceCondition.UNAVAILABLE, rate_per_s=0.0, **error_fields(Message("source_silent"))
    )
