"""Texts and parameters sent to the lab: normalised to NFC, refused where they cannot be stored."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated, Any
from unicodedata import normalize

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

MAX_SQL_CHARACTERS = 100_000
MAX_PARAMETERS = 50
MAX_DEPTH = 20
_WHOLE = 2**63
_SHOWN = 40


def normalized(text: str) -> str:
    """Return the text in Unicode's composed form (NFC).

    Raises PydanticCustomError for an unpaired surrogate.
    """
    try:
        text.encode()
    except UnicodeEncodeError as fault:
        raise _reason_against(f"character {fault.start + 1} is half of a surrogate pair, which is not text") from None
    return normalize("NFC", text)


def _reason_against(message: str) -> PydanticCustomError:
    return PydanticCustomError("unfit", "{message}", {"message": message})


def _parameters(given: dict[str, Any]) -> dict[str, Any]:
    return {normalized(name): _value(f"${name}", value) for name, value in given.items()}


def _value(name: str, value: Any, depth: int = 0) -> Any:
    if depth > MAX_DEPTH:
        raise _reason_against(f"{name} is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        return normalized(value)
    if isinstance(value, int) and not -_WHOLE <= value < _WHOLE:
        shown = str(value)[:_SHOWN]
        raise _reason_against(f"{name} = {shown} is beyond 64 bits; send it as text and cast it: {name}::HUGEINT")
    if isinstance(value, float) and not math.isfinite(value):
        raise _reason_against(f"{name} is not a finite number; send it as text and cast it: {name}::DOUBLE")
    if isinstance(value, list):
        return [_value(name, one, depth + 1) for one in value]
    if isinstance(value, dict):
        return {normalized(key): _value(name, one, depth + 1) for key, one in value.items()}
    return value


Text = Annotated[str, AfterValidator(normalized)]
SqlText = Annotated[str, Field(max_length=MAX_SQL_CHARACTERS), AfterValidator(normalized)]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(normalized)
]
"""A text that is not blank."""
Parameters = Annotated[dict[str, Any], Field(max_length=MAX_PARAMETERS), AfterValidator(_parameters)]
"""Values by name; integers of 64 bits, finite numbers."""
KeptChart = Annotated[Any, AfterValidator(partial(_value, "chart"))]
"""A chart's settings, kept exactly as the page sends them."""
