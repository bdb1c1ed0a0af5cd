"""The table of settings in docs/configuration.md is the one that the code reads."""

import re
from pathlib import Path

from ioc.environment_variables import VARIABLES

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def documented() -> dict[str, tuple[str, str]]:
    """Return key and default by variable; a default that depends on other settings stands in words, not as code."""
    rows = re.findall(r"^\| `(IOC_\w+)` \|([^|]*)\|([^|]*)\|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == len({name for name, _, _ in rows})
    return {name: (key.strip(" `"), _code(default)) for name, key, default in rows}


def _code(cell: str) -> str:
    found = re.fullmatch(r"\s*`([^`]*)`\s*", cell)
    return found[1] if found else ""


def test_names_keys_and_defaults_are_those_of_the_code() -> None:
    assert documented() == {variable.name: (variable.key, variable.default) for variable in VARIABLES}


def test_former_names_are_mentioned() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [variable.former for variable in VARIABLES if variable.former and f"`{variable.former}`" not in text] == []
