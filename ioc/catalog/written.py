"""TOML of plain values, as a person would have written it: a rule for the builder's text, a routing for its file."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

_BARE = re.compile(r"^[A-Za-z0-9_-]+$")


def to_toml(data: Mapping[str, Any]) -> str:
    """Scalars first, then tables and lists of tables with headings; what lies deeper is written within a line."""
    lines = [f"{_key(name)} = {_value(value)}" for name, value in data.items() if not _has_heading(value)]
    for name, value in data.items():
        if _has_heading(value):
            tables, opened, closed = ([value], "[", "]") if isinstance(value, Mapping) else (value, "[[", "]]")
            for table in tables:
                lines += ["", f"{opened}{_key(name)}{closed}"]
                lines += [f"{_key(inner)} = {_value(given)}" for inner, given in table.items()]
    return "\n".join(lines).strip() + "\n"


def rule_text(fields: Mapping[str, Any]) -> str:
    """A rule's fields, one a line."""
    return "".join(f"{_key(name)} = {_value(value)}\n" for name, value in fields.items())


def _has_heading(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)
    )


def _key(name: str) -> str:
    return name if _BARE.match(name) else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(name)} = {_value(given)}" for name, given in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, int | float):
        return repr(value)
    return _text(str(value))


def _text(text: str) -> str:
    """JSON's escapes are TOML's."""
    return orjson.dumps(text).decode().replace("\x7f", "\\u007f")
