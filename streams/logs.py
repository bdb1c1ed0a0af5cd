"""A worker's log: warnings and worse, none of them again and again."""

import logging

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


def log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.addFilter(NotAgain())
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    # A coordinator that is not there yet is asked again; that is no error of ours.
    logging.getLogger("aiokafka.consumer.group_coordinator").setLevel(logging.CRITICAL)
