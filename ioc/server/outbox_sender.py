"""Send the notifications of the outbox: each until it is sent or given up, those of a lane one after the other.

Channels do not wait for each other: each has its own threads, and one try has a time limit.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ioc.alert_service.context import ChannelWait
from ioc.catalog.channels import Channel
from ioc.clock import Clock
from ioc.errors import StoreUnavailable
from ioc.fault_register import FaultRegister
from ioc.messages import Message
from ioc.periodic_thread import PeriodicThread
from ioc.server.channel_sender import NotDelivered, Undeliverable, send
from ioc.server.channel_state import ChannelState
from ioc.store.alerting import AlertStore, DeliveryFault, Notification

LOG = logging.getLogger(__name__)
MAX_TRIES = 12
FIRST_BACK_OFF = timedelta(seconds=1)
MAX_BACK_OFF = timedelta(minutes=10)
TRIES_AT_ONCE = 4
"""Per channel."""
IDLE_S = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a try.

    `state` is `sent`, `failed` (tried again at `next_at`) or `dead`. `reason` is English; pages translate `code` with
    `params`.
    """

    state: str
    reason: str = ""
    next_at: datetime | None = None
    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


class OutboxSender:
    """A thread that sends notifications; may be called from any thread.

    After a crash between sending and recording it, a notification is sent again with the same id. Tries come 1, 2, 4,
    … seconds apart, at most ten minutes, or as the receiver asks. After MAX_TRIES, or when the receiver refuses it for
    good, the notification is dead, with the reason, and the next one of its lane is sent. A dead one that a person
    sends again continues its tries. While a receiver does not answer at all, one message at a time is tried
    (`ChannelState`).
    """

    def __init__(
        self,
        store: AlertStore,
        channels: Callable[[], Mapping[str, Channel]],
        clock: Clock,
        first_back_off: timedelta = FIRST_BACK_OFF,
        faults: FaultRegister | None = None,
    ) -> None:
        """Read the waiting notifications from the store. Raises StoreUnavailable."""
        self._store = store
        self._channels = channels
        self._clock = clock
        self._first_back_off = first_back_off
        self._lanes: dict[str, list[Notification]] = {}
        self._next_at: dict[str, datetime] = {}
        self._tries: dict[str, int] = {}
        self._busy: dict[str, str] = {}
        self._states: dict[str, ChannelState] = {}
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._lock = threading.Lock()
        self._thread = PeriodicThread("deliveries", self._step, IDLE_S, faults)
        self.add(store.waiting())

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the running tries."""
        self._thread.stop(5)
        for pool in self._pools.values():
            pool.shutdown(wait=True, cancel_futures=True)

    def add(self, notifications: Iterable[Notification]) -> None:
        """Queue notifications that the store has."""
        with self._lock:
            for notification in notifications:
                self._lanes.setdefault(notification.lane, []).append(notification)
                self._tries[notification.id] = notification.attempts
                if notification.next_at is not None:
                    self._next_at[notification.lane] = notification.next_at
        self._thread.wake()

    @property
    def waiting(self) -> int:
        """Number of notifications that are neither sent nor dead."""
        with self._lock:
            return sum(map(len, self._lanes.values()))

    def waits(self) -> Mapping[str, ChannelWait]:
        """Return why channels whose receiver does not answer, or asked for a pause, wait; by channel id."""
        with self._lock:
            states = dict(self._states)
        return {
            channel: ChannelWait(
                "asked_to_wait" if state.asked_to_wait else "no_answer",
                DeliveryFault(state.reason, state.code, state.params),
                state.paused_until,
                state.away_since,
            )
            for channel, state in states.items()
        }

    def try_channel(self, channel: str, text: str) -> None:
        """Send a test message, which is not recorded. Raises NotDelivered."""
        now = self._clock.now()
        payload = '{"version":"4","status":"test","alerts":[]}'
        notification = Notification("test", "test", "", 0, "", "", channel, "", now, (), (), "IOC", text, payload)
        try:
            send(self._channels()[channel], notification)
        except Undeliverable as fault:
            raise NotDelivered(fault.message) from None
        with self._lock:
            self._states.pop(channel, None)
        self._thread.wake()

    def retry(self, deliveries: Sequence[str], by: str) -> list[str]:
        """Send again those of the deliveries (ids) that are dead, and return their ids. Raises StoreUnavailable."""
        notifications = self._store.revive(deliveries, self._clock.now(), f"{by} sent it again.")
        self.add(notifications)
        return [notification.id for notification in notifications]

    def _step(self) -> None:
        for notification in self._due():
            pool = self._pools.get(notification.channel)
            if pool is None:
                pool = ThreadPoolExecutor(TRIES_AT_ONCE, thread_name_prefix=f"delivery-{notification.channel}")
                self._pools[notification.channel] = pool
            pool.submit(self._deliver, notification)

    def _due(self) -> list[Notification]:
        """Return the first notification of each lane that is due and idle, as far as its channel can send more."""
        now, due = self._clock.now(), []
        with self._lock:
            running: dict[str, int] = {}
            for channel in self._busy.values():
                running[channel] = running.get(channel, 0) + 1
            ready = [
                (self._next_at.get(lane, notifications[0].planned_at), notifications[0])
                for lane, notifications in self._lanes.items()
                if lane not in self._busy and self._next_at.get(lane, now) <= now
            ]
            for _, notification in sorted(ready, key=lambda entry: (entry[0], entry[1].id)):
                state = self._states.get(notification.channel, ChannelState())
                at_once = 1 if state.failures else TRIES_AT_ONCE
                if not state.is_paused(now) and running.get(notification.channel, 0) < at_once:
                    running[notification.channel] = running.get(notification.channel, 0) + 1
                    self._busy[notification.lane] = notification.channel
                    due.append(notification)
        return due

    def _deliver(self, notification: Notification) -> None:
        number = self._tries[notification.id] + 1
        outcome = self._try(notification, number)
        now = self._clock.now()
        try:
            reason = DeliveryFault(outcome.reason[:1000], outcome.code, outcome.params)
            self._store.note_attempt(notification.id, number, now, outcome.state, reason, outcome.next_at)
        except StoreUnavailable as fault:
            # It is sent again with the same id, so a receiver that remembers ids accepts it once.
            LOG.warning("delivery %s was not recorded: %s", notification.id, fault)
            outcome = Outcome("failed", str(fault), now + self._first_back_off)
        except Exception:
            LOG.exception("delivery %s", notification.id)
            outcome = Outcome("failed", "", now + self._first_back_off)
        self._settle(notification, number, outcome)

    def _try(self, notification: Notification, number: int) -> Outcome:
        max_tries, wait = MAX_TRIES, timedelta()
        try:
            channel = self._channels().get(notification.channel)
            if channel is None:
                raise Undeliverable(Message("delivery_no_channel", channel=notification.channel))
            send(channel, notification)
            self._note_state(notification.channel, None)
            return Outcome("sent")
        except Undeliverable as fault:
            self._note_state(notification.channel, None)
            return Outcome("dead", str(fault), code=fault.code, params=fault.params)
        except NotDelivered as fault:
            self._note_state(notification.channel, fault)
            reason, max_tries, wait = str(fault), fault.max_tries or MAX_TRIES, timedelta(seconds=fault.retry_in_s)
            code, params = fault.code, fault.params
        except Exception as fault:  # whatever a channel's library raises is a failed try
            LOG.exception("delivery %s", notification.id)
            reason, code, params = (
                repr(fault),
                "delivery_failed",
                {"channel": notification.channel, "detail": repr(fault)},
            )
        if number >= max_tries:
            return Outcome("dead", f"Given up after {number} tries: {reason}", code=code, params=params)
        back_off = min(self._first_back_off * 2 ** (number - 1), MAX_BACK_OFF)
        return Outcome("failed", reason, self._clock.now() + max(back_off, wait), code, params)

    def _note_state(self, channel: str, fault: NotDelivered | None) -> None:
        with self._lock:
            before = self._states.get(channel, ChannelState())
            now = self._clock.now()
            after = before.after_answer() if fault is None else before.after_failure(fault, now, self._first_back_off)
            if after == ChannelState():
                self._states.pop(channel, None)
            else:
                self._states[channel] = after

    def _settle(self, notification: Notification, number: int, outcome: Outcome) -> None:
        with self._lock:
            self._busy.pop(notification.lane, None)
            self._next_at.pop(notification.lane, None)
            if outcome.state == "failed" and outcome.next_at is not None:
                self._tries[notification.id] = number
                self._next_at[notification.lane] = outcome.next_at
            else:
                self._tries.pop(notification.id, None)
                rest = self._lanes[notification.lane][1:]
                if rest:
                    self._lanes[notification.lane] = rest
                else:
                    del self._lanes[notification.lane]
        self._thread.wake()
