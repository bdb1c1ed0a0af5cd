"""Find a value in a source's row by the name of a column or by a JSON path such as `a.b[0].c`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]
_STEP = re.compile(r"[^.\[\]]+")
_ABSENT = object()


def value_at(row: Row, path: str) -> Any:
    """Return the value of the column of exactly that name, else the one at the path; None when there is none."""
    if path in row:
        return row[path]
    value = _located(row, path)
    return None if value is _ABSENT else value


def has_path(row: Row, path: str) -> bool:
    """Whether the row has the column or path, even with an empty value."""
    return path in row or _located(row, path) is not _ABSENT


def composed(text: str) -> str:
    """Return the text with each accented letter as one character (NFC): macOS and some exports write two."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _located(row: Row, path: str) -> Any:
    if (value := _member(row, path)) is not _ABSENT:
        return value
    value = row
    for step in _STEP.findall(path):
        if isinstance(value, Mapping):
            value = _member(value, step)
        elif isinstance(value, list) and step.lstrip("-").isdigit() and -len(value) <= int(step) < len(value):
            value = value[int(step)]
        else:
            return _ABSENT
    return value


def _member(row: Row, name: str) -> Any:
    """Return the value under the name, in whichever form its accents are written."""
    if name in row:
        return row[name]
    if not name.isascii():
        for key, value in row.items():
            if unicodedata.normalize("NFC", key) == name:
                return value
    return _ABSENT
