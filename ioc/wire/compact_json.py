"""JSON bytes without orjson's 4 KB over-allocation."""

from collections.abc import Callable
from typing import Any

import orjson


def kept_json(shape: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """Encode as JSON, for answers that are kept in memory or are produced by the thousand.

    orjson returns a bytes object in the buffer of 4 KB or more that it wrote into; this returns one of the exact size.
    """
    return bytes(memoryview(orjson.dumps(shape, default=default)))
