"""Pydantic's validators of the API's parameters and answers, made once for all apps of a test process.

FastAPI makes each anew for every app, which is most of what an app costs; hundreds of tests have an app of their own.
"""

from typing import Any
from unittest.mock import patch

from fastapi._compat import v2
from pydantic import TypeAdapter

_made: dict[tuple[Any, str], TypeAdapter[Any]] = {}


def _once(annotated: Any, **settings: Any) -> TypeAdapter[Any]:
    """`annotated` is the type with all that is declared of the field, which its text tells."""
    key = (annotated.__origin__, f"{annotated!r} {settings}")
    if key not in _made:
        _made[key] = TypeAdapter(annotated, **settings)
    return _made[key]


def make_validators_once() -> None:
    patch.object(v2, "TypeAdapter", _once).start()
