"""Errors, classed by what the caller does next.

Every message is one sentence for the person who reads it: the offending value, where it is, what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ioc.messages import Message


class IocError(Exception):
    """The command or request cannot be done; its message is shown as it is, `str` gives it in English.

    `fault_code` is the code under which a background task that fails with it is reported.
    """

    fault_code: ClassVar[str] = "thread_failed"

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = Message.of(message)

    @property
    def code(self) -> str:
        return self.message.code

    @property
    def params(self) -> Mapping[str, Any]:
        return self.message.params

    def text(self, language: str) -> str:
        """Return the sentence in `language`: `vi`, or English for any other."""
        return self.message.text(language)


class TextInvalid(ValueError):
    """A text that a person wrote (condition, formula, matcher, template …) does not have the form that it must have."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = Message.of(message)


class ConfigurationInvalid(IocError):
    """A setting or a configured file is wrong; the person who wrote it mends it."""


class SourceUnavailable(IocError):
    """A sector system did not answer as it should; the runner backs off and asks again.

    `retry_in_s`: not before so many seconds; 0 leaves the wait to the runner.
    """

    def __init__(self, message: Message, *, retry_in_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_in_s = retry_in_s


class RecordUnfit(IocError):
    """One record breaks the contract; it becomes a dead letter and its neighbours go on.

    `reason` is a machine word (`ioc.model.rejection.Reason`), `field` names the column at fault ("" for the whole).
    """

    def __init__(self, reason: str, field: str, message: Message) -> None:
        super().__init__(message)
        self.reason = reason
        self.field = field

    def __reduce__(self) -> tuple[type[RecordUnfit], tuple[str, str, Message]]:
        """Survive a pickle, on the way from a process that parses."""
        return type(self), (self.reason, self.field, self.message)


class BatchMalformed(IocError):
    """A message cannot be read at all (truncated Arrow, broken JSON); all its bytes are one dead letter."""


class BatchTooLarge(BatchMalformed):
    """A batch that may be sound, but unpacks to more than is held in memory or gives more than a message holds."""


class BrokerUnavailable(IocError):
    """Kafka does not answer, or did not do what it was asked in time; the caller tries again later."""

    fault_code = "broker_away"


class SpoolFull(IocError):
    """The broker is away and the disk buffer is at its bound; a push is refused with 503 until it drains."""

    fault_code = "spool_full"


class StoreUnavailable(IocError):
    """The store cannot write (disk full, file held by another process); the centre says so and stops writing."""

    fault_code = "store_unavailable"


class StoreDamaged(StoreUnavailable):
    """The store's file cannot be opened at all; a person has to restore it. The server stands in until then."""


class NotStorable(IocError):
    """The store is well, but cannot hold what was to be written; it is set aside, and its partition goes on."""
