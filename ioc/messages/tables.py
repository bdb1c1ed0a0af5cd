"""The texts by code and language, and how parameters are filled in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

LANGUAGES = ("vi", "en")
_ENDS = (".", ",", ";", ":", ")")
"""Before these the full stop of a sentence that was filled in is left out."""


@cache
def texts(language: str) -> Mapping[str, str]:
    """Return the text of each code; the areas of the file are for its readers alone."""
    areas = json.loads((Path(__file__).parent / f"{language}.json").read_text(encoding="utf-8"))
    return {code: text for area in areas.values() for code, text in area.items()}


def is_code(code: str) -> bool:
    """Return whether the tables have this code."""
    return code in texts("en")


def fill(code: str, params: Mapping[str, Any], language: str) -> str:
    """Return the text of `code` with its parameters: `{name}`, `{name!r}` and Python's formats, and two more forms.

    `{name:code}` puts the text of another code there, with the parameter as its `{value}`; nothing when the parameter
    is empty. `{name:code_*}` puts the text of `code_VALUE` there, such as the name of a type; the value itself when
    there is no such code. A list is joined by commas, with `{name:lines}` by line ends; a Message is in the same
    language.

    Raises KeyError for an unknown code or a missing parameter.
    """
    filled = ""
    for literal, name, form, conversion in _parts(code, language):
        filled = filled.removesuffix(".") + literal if literal.startswith(_ENDS) else filled + literal
        if name is not None:
            value = params[name]
            filled += _formatted(repr(value) if conversion == "r" else value, form, language)
    return filled


@cache
def _parts(code: str, language: str) -> list[tuple[str, str | None, str, str]]:
    """Split a text into (literal, name of the parameter after it, format, conversion)."""
    parsed = Formatter().parse(texts(language)[code])
    return [(literal, name, form or "", conversion or "") for literal, name, form, conversion in parsed]


def _formatted(value: Any, form: str, language: str) -> str:
    if not form:
        return _written(value, language)
    if form == "lines":
        return "\n".join(_written(each, language) for each in value)
    if form.endswith("*"):
        code = f"{form[:-1]}{value}"
        return fill(code, {}, language) if is_code(code) else str(value)
    if is_code(form):
        return fill(form, {"value": value}, language) if value else ""
    return format(value, form)


def _written(value: Any, language: str) -> str:
    if isinstance(value, str):
        text = getattr(value, "text", None)  # of a Message
        return str(value if text is None else text(language))
    if isinstance(value, float):
        text = repr(value).removesuffix(".0")
        return text.replace(".", ",") if language == "vi" else text
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return ", ".join(_written(each, language) for each in value) or fill("nothing", {}, language)
    return str(value)
