"""Versions of a rule: who changed what, when and why; and the way back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from ioc.alerts.refusals import ActRefused, require_person_and_reason
from ioc.clock import from_ms, rfc3339
from ioc.errors import IocError
from ioc.messages import Message


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
    require_person_and_reason(by, why)
    if history and history[-1].fields == fields:
        raise ActRefused("", Message("nothing_changed", given=rule))
    return RuleVersion(rule, len(history) + 1, fields, by, at_ms, why)


def roll_back(history: Sequence[RuleVersion], number: int, by: str, at_ms: int, why: str) -> RuleVersion:
    """A new version that is an earlier one again. Raises ActRefused for a number that is none, or the present one."""
    earlier = next((version for version in history if version.number == number), None)
    if earlier is None or number == history[-1].number:
        raise ActRefused("number", Message("no_version", given=number))
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
        elif isinstance(value, list) and value and all(isinstance(one, Mapping) and "id" in one for one in value):
            for one in value:
                flat |= _flat(one, f"{before}{name}[{one['id']}].")
        else:
            flat[f"{before}{name}"] = value
    return flat


def revision_of(content: Mapping[str, Any] | str | None) -> str:
    """Names what a definition says (fields, text; None: there is none), so that a change can name what it was made
    from. 16 hexadecimal digits, empty for None."""
    if content is None:
        return ""
    text = content if isinstance(content, str) else json.dumps(content, sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()[:16]


class ChangedMeanwhile(IocError):
    """A change was made from a revision that is not in force any more; nothing was saved. `theirs` is what was changed
    since (empty where the revision is not known), `yours` what the refused change would alter now. `last` is the latest
    version on record, None where there is none."""

    def __init__(
        self,
        what: str,
        revision: str,
        theirs: Sequence[Difference],
        yours: Sequence[Difference],
        last: "VersionInfo | None",
    ) -> None:
        details = {
            "what": what,
            "by": last.by if last else "",
            "why": last.why if last else "",
            "number": last.number if last else 0,
            "at": rfc3339(from_ms(last.at_ms)) if last and last.at_ms else None,
            "fields": [one.field for one in theirs or yours],
            "revision": revision,
        }
        super().__init__(Message("changed_meanwhile", **details))
        self.revision = revision
        self.theirs = theirs
        self.yours = yours
        self.last = last


class VersionInfo(Protocol):
    """Author and time of a version."""

    @property
    def number(self) -> int: ...
    @property
    def by(self) -> str: ...
    @property
    def at_ms(self) -> int: ...
    @property
    def why(self) -> str: ...


def require_revision(
    what: str,
    revision: str | None,
    present: Mapping[str, Any] | None,
    wanted: Mapping[str, Any] | None,
    known: Mapping[str, Mapping[str, Any] | None],
    last: VersionInfo | None,
    present_revision: str | None = None,
) -> None:
    """Check that `revision` is the one in force; else raise ChangedMeanwhile. None: the caller does not say what the
    change was made from. `known` are earlier contents by their revision, `present_revision` is given where it is not
    that of `present`."""
    current = revision_of(present) if present_revision is None else present_revision
    if revision is None or revision == current:
        return
    theirs = difference(known[revision], present) if revision in known else []
    raise ChangedMeanwhile(what, current, theirs, difference(present, wanted), last)
