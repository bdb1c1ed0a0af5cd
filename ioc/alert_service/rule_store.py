"""Keep the versions of rules that people changed; the latest version of each is in force."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from ioc.alerts.refusals import ActRefused, no_rule
from ioc.alerts.versions import RuleVersion, next_version, roll_back
from ioc.catalog.toml_table import toml_text
from ioc.clock import from_ms
from ioc.messages import Message
from ioc.store.alerting import AlertStore
from ioc.store.times import aware

_POSITION = re.compile(r"\(at line (\d+), column (\d+)\)")
PACK = 0
"""Number of the version that the packs give."""


class RuleStore:
    """Read and append versions; `AlertService` puts them in force.

    `pack` is what the packs say of a rule, None when they do not have it.
    """

    def __init__(self, store: AlertStore) -> None:
        self._store = store

    def changed(self) -> dict[str, Mapping[str, Any] | None]:
        """Return the latest fields of each rule that was ever changed; None for one that was taken out."""
        rows = self._store.select(
            "SELECT rule, arg_max(coalesce(fields, 'null'), number) AS fields FROM rule_versions GROUP BY rule"
        )
        return {row["rule"]: orjson.loads(row["fields"]) for row in rows}

    def history(self, rule: str, pack: Mapping[str, Any] | None) -> list[RuleVersion]:
        """Return the versions of a rule, oldest first; `pack` comes before them as version 0."""
        rows = self._store.select("SELECT * FROM rule_versions WHERE rule = ? ORDER BY number", [rule])
        first = [] if pack is None else [RuleVersion(rule, PACK, pack, "", 0, "")]
        return first + [_version(row) for row in rows]

    def next(
        self,
        rule: str,
        pack: Mapping[str, Any] | None,
        fields: Mapping[str, Any] | None,
        by: str,
        now_ms: int,
        why: str,
    ) -> RuleVersion:
        """Return the version to append for these fields. Raises ActRefused."""
        history = self.history(rule, pack)
        return replace(next_version(history, rule, fields, by, now_ms, why), number=_next_number(history))

    def back(
        self, rule: str, pack: Mapping[str, Any] | None, number: int, by: str, now_ms: int, why: str
    ) -> RuleVersion:
        """Return the version to append to go back to version `number`. Raises ActRefused."""
        history = self.history(rule, pack)
        if not history:
            raise no_rule(rule)
        return replace(roll_back(history, number, by, now_ms, why), number=_next_number(history))

    def keep(self, version: RuleVersion) -> None:
        """Write a version. Raises StoreUnavailable."""
        fields = None if version.fields is None else orjson.dumps(version.fields).decode()
        at = from_ms(version.at_ms).replace(tzinfo=None)
        row = [version.rule, version.number, fields, version.by, at, version.why, version.of]
        self._store.execute("INSERT INTO rule_versions VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def fields_of_text(text: str) -> dict[str, Any]:
    """Read a rule's TOML, with or without its heading [[rule]]. Raises ActRefused."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise ActRefused("text", not_toml(fault)) from None
    if isinstance(data.get("rule"), list):
        if len(data) > 1 or len(data["rule"]) != 1 or not isinstance(data["rule"][0], dict):
            raise ActRefused("text", Message("one_rule"))
        return dict(data["rule"][0])
    return data


def rule_text(fields: Mapping[str, Any]) -> str:
    """Return a rule's fields as TOML under the heading [[rule]], which `fields_of_text` reads."""
    return toml_text({"rule": [fields]})


def not_toml(fault: tomllib.TOMLDecodeError) -> Message:
    """Return the message for a text that is not TOML; where it ends too early there is no line."""
    place = place_in_text(fault)
    return Message("not_toml" if place["line"] else "not_toml_at_end", **place)


def place_in_text(fault: tomllib.TOMLDecodeError) -> dict[str, Any]:
    """Return `line` and `column` of a TOML fault (0 where the text ends too early), and `detail` without them."""
    found = _POSITION.search(str(fault))
    line, column = (int(found[1]), int(found[2])) if found else (0, 0)
    return {"line": line, "column": column, "detail": _POSITION.sub("", str(fault)).strip()}


def _next_number(history: list[RuleVersion]) -> int:
    return max((version.number for version in history), default=0) + 1


def _version(row: Mapping[str, Any]) -> RuleVersion:
    at: datetime = aware(row["changed_at"])
    fields = None if row["fields"] is None else orjson.loads(row["fields"])
    at_ms = round(at.timestamp() * 1000)
    return RuleVersion(row["rule"], row["number"], fields, row["changed_by"], at_ms, row["why"], row["version_of"])
