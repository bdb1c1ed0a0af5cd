"""Cursors for lists in pages. A cursor names the last row of a page, so rows that are added move no page."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime

import orjson

from ioc.api.http.problems import invalid_field
from ioc.messages import Message


def cursor_after(at: datetime, *key: str) -> str:
    """Return an opaque text for the row with this time (UTC without a zone, as the store has it) and key."""
    return urlsafe_b64encode(orjson.dumps([at.isoformat(), *key])).decode().rstrip("=")


def parse_cursor(text: str, keys: int) -> tuple[datetime, Sequence[str]]:
    """Return the time and the `keys` texts of a cursor. Raises Problem (400) unless `cursor_after` made it."""
    try:
        at, *key = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        moment = datetime.fromisoformat(at)
        if len(key) != keys or not all(isinstance(part, str) for part in key) or moment.tzinfo is not None:
            raise ValueError(key)
    except (ValueError, TypeError):
        raise invalid_field("cursor", Message("cursor_unknown")) from None
    return moment, key
