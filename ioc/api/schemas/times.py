"""Times and spans in JSON."""

from datetime import datetime
from functools import lru_cache

from typing_extensions import TypedDict

from ioc.clock import rfc3339

time_text = lru_cache(maxsize=4096)(rfc3339)
"""RFC 3339 in UTC, cached: many values share the ends of their windows."""

SpanShape = TypedDict("SpanShape", {"from": str, "to": str})
OffsetSpanShape = TypedDict("OffsetSpanShape", {"from": int, "to": int})


def optional_time(moment: datetime | None) -> str | None:
    """Return RFC 3339 in UTC, or None."""
    return None if moment is None else time_text(moment)
