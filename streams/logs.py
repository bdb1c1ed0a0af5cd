"""Logging of a worker: warnings and errors, each at most once a minute."""

import logging
from types import TracebackType
from typing import TypeAlias

from aiokafka.errors import KafkaError

_ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

_AGAIN_AFTER_S = 60.0


class OncePerMinute(logging.Filter):
    """Let a message template through once a minute.

    Why: an absent broker is tried thirty times a second, and Kafka's client logs each attempt.
    """

    def __init__(self) -> None:
        super().__init__()
        self._logged_at: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind = (record.name, str(record.msg))
        if record.created - self._logged_at.get(kind, float("-inf")) < _AGAIN_AFTER_S:
            return False
        self._logged_at[kind] = record.created
        return True


def broker_fault(error: BaseException | None) -> BaseException | None:
    """Return `error` or its cause that came from the broker or the connection to it; None when there is none."""
    while error is not None and not isinstance(error, KafkaError | ConnectionError):
        error = error.__cause__ or error.__context__
    return error


class OneLineFormatter(logging.Formatter):
    """Log an absent broker in one line; tracebacks are for faults of the program."""

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802
        fault = broker_fault(ei[1])
        return super().formatException(ei) if fault is None else f"{type(fault).__name__}: {fault}"


def log_to_stderr() -> None:
    """Set up logging for the process of a worker."""
    handler = logging.StreamHandler()
    handler.addFilter(OncePerMinute())
    handler.setFormatter(OneLineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    # A coordinator that is not there yet is asked again; that is not an error.
    logging.getLogger("aiokafka.consumer.group_coordinator").setLevel(logging.CRITICAL)
