"""Pages of a list by the key of the last row: rows that come in meanwhile move no page."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime

import orjson

from ioc.api.http.problems import invalid_field
from ioc.messages import Message


def cursor_after(at: datetime, *key: str) -> str:
    """Opaque text that stands for a row; `at` is naive UTC as the store has it."""
    return urlsafe_b64encode(orjson.dumps([at.isoformat(), *key])).decode().rstrip("=")


def parse_cursor(text: str, keys: int) -> tuple[datetime, Sequence[str]]:
    """Raises Problem (400) for what `cursor_after` did not make."""
    try:
        at, *key = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        moment = datetime.fromisoformat(at)
        if len(key) != keys or not all(isinstance(part, str) for part in key) or moment.tzinfo is not None:
            raise ValueError(key)
    except (ValueError, TypeError):
        raise invalid_field("cursor", Message("cursor_unknown")) from None
    return moment, key
