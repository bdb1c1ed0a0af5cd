"""A worker's log: warnings and worse, none of them again and again."""

import logging
from types import TracebackType
from typing import TypeAlias

from aiokafka.errors import KafkaError

_ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

_AGAIN_AFTER_S = 60.0


class NotAgain(logging.Filter):
    """Lets a message through once a minute, whatever it says of: a broker that is away is tried thirty times a second,
    and Kafka's client tells each time."""

    def __init__(self) -> None:
        super().__init__()
        self._said_at: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind = (record.name, str(record.msg))
        if record.created - self._said_at.get(kind, float("-inf")) < _AGAIN_AFTER_S:
            return False
        self._said_at[kind] = record.created
        return True


def fault_of_the_broker(error: BaseException | None) -> BaseException | None:
    """What the broker or the way to it did, where that is `error` or led to it."""
    while error is not None and not isinstance(error, KafkaError | ConnectionError):
        error = error.__cause__ or error.__context__
    return error


class InASentence(logging.Formatter):
    """Tells a broker that is away in one line; a traceback is for faults of our own."""

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802
        fault = fault_of_the_broker(ei[1])
        return super().formatException(ei) if fault is None else f"{type(fault).__name__}: {fault}"


def log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.addFilter(NotAgain())
    handler.setFormatter(InASentence("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    # A coordinator that is not there yet is asked again; that is no error of ours.
    logging.getLogger("aiokafka.consumer.group_coordinator").setLevel(logging.CRITICAL)
