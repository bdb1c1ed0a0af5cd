"""Answers as JSON, quickly."""

from typing import Any

import orjson
from fastapi import Response


class JsonResponse(Response):
    """A JSON answer; a number that is not finite becomes null."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)
