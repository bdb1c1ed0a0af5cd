"""Texts and parameters that people send to the lab: brought to NFC, refused where nothing could hold them."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated, Any
from unicodedata import normalize

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

LONGEST_SQL = 100_000
MAX_PARAMETERS = 50
MAX_DEPTH = 20
_WHOLE = 2**63
_SHOWN = 40


def one_form(text: str) -> str:
    """The text in Unicode's composed form (NFC). Raises PydanticCustomError for half a character."""
    try:
        text.encode()
    except UnicodeEncodeError as fault:
        raise _unfit(f"character {fault.start + 1} is half of a surrogate pair, which is not text") from None
    return normalize("NFC", text)


def _unfit(message: str) -> PydanticCustomError:
    return PydanticCustomError("unfit", "{message}", {"message": message})


def _parameters(given: dict[str, Any]) -> dict[str, Any]:
    return {one_form(name): _value(f"${name}", value) for name, value in given.items()}


def _value(name: str, value: Any, depth: int = 0) -> Any:
    if depth > MAX_DEPTH:
        raise _unfit(f"{name} is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        return one_form(value)
    if isinstance(value, int) and not -_WHOLE <= value < _WHOLE:
        shown = str(value)[:_SHOWN]
        raise _unfit(f"{name} = {shown} is beyond 64 bits; send it as text and cast it: {name}::HUGEINT")
    if isinstance(value, float) and not math.isfinite(value):
        raise _unfit(f"{name} is not a finite number; send it as text and cast it: {name}::DOUBLE")
    if isinstance(value, list):
        return [_value(name, one, depth + 1) for one in value]
    if isinstance(value, dict):
        return {one_form(key): _value(name, one, depth + 1) for key, one in value.items()}
    return value


Text = Annotated[str, AfterValidator(one_form)]
SqlText = Annotated[str, Field(max_length=LONGEST_SQL), AfterValidator(one_form)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(one_form)]
"""Not blank."""
Parameters = Annotated[dict[str, Any], Field(max_length=MAX_PARAMETERS), AfterValidator(_parameters)]
"""By name; whole numbers of 64 bits, finite numbers."""
KeptChart = Annotated[Any, AfterValidator(partial(_value, "chart"))]
"""A chart's settings, kept exactly as the page sends them."""
