"""State of a channel: whether its receiver answers, and until when nothing is sent to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from ioc.server.channel_sender import NotDelivered

FIRST_PAUSE = timedelta(seconds=1)
MAX_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ChannelState:
    """Whether a channel can be used now.

    `failures` counts tries in a row without any answer; while it is above 0, one message at a time is tried.
    `asked_to_wait`: the receiver asked for the pause. `reason`, `code` and `params` are those of the last failure.
    """

    failures: int = 0
    away_since: datetime | None = None
    paused_until: datetime | None = None
    asked_to_wait: bool = False
    reason: str = ""
    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)

    def is_paused(self, now: datetime) -> bool:
        """Return whether nothing is sent at `now`."""
        return self.paused_until is not None and now < self.paused_until

    def after_answer(self) -> "ChannelState":
        """Return the state after any answer of the receiver, also a refusal."""
        return ChannelState()

    def after_failure(self, fault: NotDelivered, now: datetime, first_pause: timedelta = FIRST_PAUSE) -> "ChannelState":
        """Return the state with its next pause.

        The pause is as long as the receiver asks, or 1, 2, 4 … seconds while there is no answer, at most a minute.
        """
        if fault.retry_in_s:
            until = now + timedelta(seconds=fault.retry_in_s)
            return ChannelState(0, None, until, True, str(fault), fault.code, fault.params)
        if not fault.is_away:
            return self.after_answer()
        pause = min(first_pause * 2 ** min(self.failures, 16), MAX_PAUSE)
        since = self.away_since or now
        return replace(
            self,
            failures=self.failures + 1,
            away_since=since,
            paused_until=now + pause,
            asked_to_wait=False,
            reason=str(fault),
            code=fault.code,
            params=fault.params,
        )
