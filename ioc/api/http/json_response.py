"""JSON responses."""

from typing import Any

import orjson
from fastapi import Response


class JsonResponse(Response):
    """A JSON response encoded by orjson. NaN and infinity become null.

    A route that returns it skips FastAPI's validation: `response_model` is documentation, which the tests compare with
    every answer.
    """

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the encoded content."""
        return orjson.dumps(content)
