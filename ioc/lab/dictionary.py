"""The dictionary of the stable views: the meaning of each view and column in Vietnamese and English."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

VERSION = 1
"""Changes when the meaning, name or type of a view or column changes; additions keep it."""

Words = dict[str, str]
"""A text as `vi` and `en`."""


@dataclass(frozen=True)
class View:
    """A stable view with its columns, in two languages."""

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
    """Return the text that says what may change in the views and what will not."""
    return _read()[0]


def views() -> tuple[View, ...]:
    """Return the views in the order in which a reader meets them."""
    return _read()[1]


def comments() -> Iterator[str]:
    """Yield SQL statements that set the Vietnamese comments of the views."""
    for view in views():
        yield f"COMMENT ON VIEW {view.name} IS {_quoted(view.comment['vi'])}"
        for column, words in view.columns.items():
            yield f'COMMENT ON COLUMN {view.name}."{column}" IS {_quoted(words["vi"])}'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
