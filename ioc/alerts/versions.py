"""Versions of rules and routing: who changed what, when and why; going back; and refusing to overwrite others."""

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
    """A version of a rule.

    `number` counts from 1 per rule. `fields` are the rule's as written in TOML or JSON, None for a version that takes
    the rule out. `of` is the number of the version that a roll-back restored, 0 otherwise.
    """

    rule: str
    number: int
    fields: Mapping[str, Any] | None
    by: str
    at_ms: int
    why: str
    of: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs; None where a side does not have it. Inner fields are named such as `change.over`."""

    field: str
    before: Any
    after: Any


def next_version(
    history: Sequence[RuleVersion], rule: str, fields: Mapping[str, Any] | None, by: str, at_ms: int, why: str
) -> RuleVersion:
    """Return the version to append to a rule's history.

    Raises ActRefused without person or reason, or when nothing changes. The caller has checked that the fields make a
    rule (`ioc.catalog.rules.read_rule`).
    """
    require_person_and_reason(by, why)
    if history and history[-1].fields == fields:
        raise ActRefused("", Message("nothing_changed", given=rule))
    return RuleVersion(rule, len(history) + 1, fields, by, at_ms, why)


def roll_back(history: Sequence[RuleVersion], number: int, by: str, at_ms: int, why: str) -> RuleVersion:
    """Return a new version that repeats an earlier one. Raises ActRefused for an unknown number or the present one."""
    earlier = next((version for version in history if version.number == number), None)
    if earlier is None or number == history[-1].number:
        raise ActRefused("number", Message("no_version", given=number))
    after = next_version(history, earlier.rule, earlier.fields, by, at_ms, why)
    return RuleVersion(after.rule, after.number, after.fields, by, at_ms, why, of=number)


def difference(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Difference]:
    """Compare field by field, in the order of the names."""
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
    """Return a hash of a definition's content (fields or text): 16 hexadecimal digits, empty for None.

    A change names the revision that it was made from.
    """
    if content is None:
        return ""
    text = content if isinstance(content, str) else json.dumps(content, sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()[:16]


class ChangedMeanwhile(IocError):
    """A change was made from a revision that is no longer in force; nothing was saved.

    `theirs` is what has changed since (empty for an unknown revision), `yours` what the refused change would change
    now. `last` is the latest version on record, if any.
    """

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
    """Author, time and reason of a version."""

    @property
    def number(self) -> int:
        """Number of the version."""

    @property
    def by(self) -> str:
        """Account of the author."""

    @property
    def at_ms(self) -> int:
        """When it was made."""

    @property
    def why(self) -> str:
        """Reason of the change."""


@dataclass(frozen=True, slots=True)
class Revisions:
    """What is in force of a definition, and what it was before.

    `present` is its content, `known` has earlier contents by revision, `last` is the latest version on record.
    `present_revision` is the revision in force, where that is not the revision of `present`.
    """

    what: str
    present: Mapping[str, Any] | None
    known: Mapping[str, Mapping[str, Any] | None]
    last: VersionInfo | None
    present_revision: str | None = None

    @property
    def current(self) -> str:
        """The revision in force."""
        return revision_of(self.present) if self.present_revision is None else self.present_revision


def require_revision(revisions: Revisions, revision: str | None, wanted: Mapping[str, Any] | None) -> None:
    """Check that a change to `wanted` was made from the revision in force; else raise ChangedMeanwhile.

    `revision` is None when the caller does not say what the change was made from.
    """
    if revision is None or revision == revisions.current:
        return
    present, known = revisions.present, revisions.known
    theirs = difference(known[revision], present) if revision in known else []
    yours = difference(present, wanted)
    raise ChangedMeanwhile(revisions.what, revisions.current, theirs, yours, revisions.last)
