"""Versions of a rule: who changed what, when and why; and the way back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ioc.alerts.acts import ActRefused, told


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """`number` counts from 1 for each rule; `fields` are the rule's as they are written (of TOML or JSON), None for a
    version that takes the rule out. `of` is the number of the version that a roll-back took up again, 0 otherwise."""

    rule: str
    number: int
    fields: Mapping[str, Any] | None
    by: str
    at_ms: int
    why: str
    of: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is another; None where a side does not have it. Inner fields are named `change.over`."""

    field: str
    before: Any
    after: Any


def next_version(
    history: Sequence[RuleVersion], rule: str, fields: Mapping[str, Any] | None, by: str, at_ms: int, why: str
) -> RuleVersion:
    """What is appended to a rule's history when it changes. Raises ActRefused without person or reason, or when nothing
    is another. Whether the fields make a rule is checked before (`ioc.catalog.rules.read_rule`)."""
    told(by, why)
    if history and history[-1].fields == fields:
        raise ActRefused("", f"This is {rule} as it is already; nothing was changed.")
    return RuleVersion(rule, len(history) + 1, fields, by, at_ms, why)


def roll_back(history: Sequence[RuleVersion], number: int, by: str, at_ms: int, why: str) -> RuleVersion:
    """A new version that is an earlier one again. Raises ActRefused for a number that is none, or the present one."""
    earlier = next((version for version in history if version.number == number), None)
    if earlier is None or number == history[-1].number:
        raise ActRefused("number", f"{number} is no earlier version of this rule.")
    after = next_version(history, earlier.rule, earlier.fields, by, at_ms, why)
    return RuleVersion(after.rule, after.number, after.fields, by, at_ms, why, of=number)


def difference(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Difference]:
    """Field by field, in the order of their names."""
    old, new = _flat(before or {}), _flat(after or {})
    names = sorted(old.keys() | new.keys())
    return [Difference(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]


def _flat(fields: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{before}{name}.")
        else:
            flat[f"{before}{name}"] = value
    return flat
