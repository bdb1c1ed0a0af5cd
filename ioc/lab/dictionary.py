"""The dictionary of the stable views: what each view and column means, in Vietnamese and English (dictionary.toml)."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

VERSION = 1
"""A column's or a view's meaning, name or type changes only with another version; new ones may come within one."""

Words = dict[str, str]
"""`vi` and `en`."""


@dataclass(frozen=True)
class View:
    name: str
    comment: Words
    columns: dict[str, Words]


@cache
def _read() -> tuple[Words, tuple[View, ...]]:
    content = tomllib.loads(files("ioc.lab").joinpath("dictionary.toml").read_text(encoding="utf-8"))
    found = tuple(
        View(
            name,
            {"vi": given["vi"], "en": given["en"]},
            {k: dict(zip(("vi", "en"), v, strict=True)) for k, v in given["columns"].items()},
        )
        for name, given in content["view"].items()
    )
    return content["promise"], found


def promise() -> Words:
    """What may change, and what will not."""
    return _read()[0]


def views() -> tuple[View, ...]:
    """In the order in which a reader meets them."""
    return _read()[1]


def comments() -> Iterator[str]:
    """SQL that puts the Vietnamese comments on the views."""
    for view in views():
        yield f"COMMENT ON VIEW {view.name} IS {_quoted(view.comment['vi'])}"
        for column, words in view.columns.items():
            yield f'COMMENT ON COLUMN {view.name}."{column}" IS {_quoted(words["vi"])}'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
