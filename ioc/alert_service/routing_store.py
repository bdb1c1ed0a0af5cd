"""Rules and routes changed in the console: checked, kept as a version, put in force; a fault leaves all as it was."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from importlib.resources import files
from pathlib import Path
from typing import Any

from ioc.alert_service.rule_store import place_in_text
from ioc.alert_service.service import Desk
from ioc.alerts.actions import ActRefused, no_rule, told
from ioc.alerts.records import to_record
from ioc.alerts.versions import RuleVersion, must_be, revision_of
from ioc.catalog.channels import load_channels
from ioc.catalog.routing import Alerting, read_routing
from ioc.catalog.rules import check_rule, load_rules
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault, TomlTable
from ioc.clock import to_ms
from ioc.model.rule import Rule


def check(desk: Desk, fields: Mapping[str, Any]) -> Rule:
    """Raises CatalogInvalid with every fault found."""
    return check_rule(desk.in_force.catalog, desk.in_force.rules.procedures, fields)


def put_rule(
    desk: Desk, rule: str, fields: Mapping[str, Any] | None, by: str, why: str, revision: str | None = None
) -> RuleVersion:
    """`fields` None takes the rule out; `revision` is what the change was made from, "" for a new rule, None where that
    is not said. Raises CatalogInvalid, ActRefused, ChangedMeanwhile; what was in force then stays so."""
    with desk.editing:
        _must_be(desk, rule, revision, fields)
        if fields is not None:
            if fields.get("id") != rule:
                message = f"The rule is called {rule!r}; its id cannot change."
                raise ActRefused("id", message, "rule_id_fixed", given=rule)
            check(desk, fields)
        elif rule not in desk.in_force.rules.rules:
            raise no_rule(rule)
        return _keep(desk, desk.rulebook.next(rule, pack_fields(desk, rule), fields, by, to_ms(desk.now()), why))


def roll_back(desk: Desk, rule: str, number: int, by: str, why: str, revision: str | None = None) -> RuleVersion:
    """Put an earlier version of a rule in force. Raises CatalogInvalid when it no longer fits the catalogue,
    ActRefused, ChangedMeanwhile."""
    with desk.editing:
        wanted = next((one.fields for one in versions(desk, rule) if one.number == number), None)
        _must_be(desk, rule, revision, wanted)
        version = desk.rulebook.back(rule, pack_fields(desk, rule), number, by, to_ms(desk.now()), why)
        if version.fields is not None:
            check(desk, version.fields)
        return _keep(desk, version)


def versions(desk: Desk, rule: str) -> list[RuleVersion]:
    """Oldest first; 0 is what the packs say."""
    return desk.rulebook.history(rule, pack_fields(desk, rule))


def pack_fields(desk: Desk, rule: str) -> Mapping[str, Any] | None:
    """What the packs say of a rule, None when nothing."""
    return load_rules(desk.in_force.catalog, desk.place.overlay).fields.get(rule)


def rule_revision(desk: Desk, rule: str) -> str:
    """Names what is in force of a rule; empty where there is none."""
    return revision_of(desk.in_force.rules.fields.get(rule))


def _must_be(desk: Desk, rule: str, revision: str | None, wanted: Mapping[str, Any] | None) -> None:
    if revision is None:
        return
    history = versions(desk, rule)
    known = {revision_of(one.fields): one.fields for one in history}
    last = history[-1] if history else None
    must_be(rule, revision, desk.in_force.rules.fields.get(rule), wanted, known, last)


def _keep(desk: Desk, version: RuleVersion) -> RuleVersion:
    changed = desk.rulebook.changed() | {version.rule: version.fields}
    found = desk.definitions(desk.in_force.catalog, changed)
    desk.rulebook.keep(version)
    desk.put_in_force(found)
    return version


def routing_fields(text: str) -> dict[str, Any]:
    """Parse the file's text, with times as text; empty for what is not TOML."""
    try:
        found: dict[str, Any] = to_record(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        return {}
    return found


def routing_text(desk: Desk) -> str:
    """The file in force."""
    return _routing_file(desk).read_text(encoding="utf-8")


def check_routing(desk: Desk, text: str) -> Alerting:
    """Raises CatalogInvalid with every fault found."""
    faults: list[DefinitionFault] = []
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        message = f"This is not TOML: {fault}."
        raise CatalogInvalid(
            [DefinitionFault("console", "", "text", message, "not_toml", place_in_text(fault))]
        ) from None
    found = read_routing(TomlTable("", data, {}, "console", faults), faults, load_channels(desk.place.channels))
    if faults or found is None:
        raise CatalogInvalid(faults)
    return found


@dataclass(frozen=True, slots=True)
class RoutingVersion:
    """A routing as it was saved."""

    number: int
    by: str
    at_ms: int
    why: str
    text: str


def put_routing(desk: Desk, text: str, by: str, why: str, revision: str | None = None) -> int:
    """Into the province's own file, and on record; returns the version's number. `revision` is that of the text that
    the change was made from, None where that is not said. Raises CatalogInvalid, ActRefused, ChangedMeanwhile."""
    told(by, why)
    with desk.editing:
        check_routing(desk, text)
        present = routing_text(desk)
        if revision is not None and revision != revision_of(present):
            past = [
                RoutingVersion(row["number"], row["changed_by"], to_ms(row["changed_at"]), row["why"], row["content"])
                for row in routing_versions(desk)
            ]
            known = {revision_of(one.text): routing_fields(one.text) for one in past}
            last = past[-1] if past else None
            now, wanted = routing_fields(present), routing_fields(text)
            must_be("The routing", revision, now, wanted, known, last, revision_of(present))
        if desk.place.overlay is None:
            raise ActRefused("", "This centre has no folder of its own definitions.", "no_folder")
        rows = desk.store.select("SELECT coalesce(max(number), 0) AS n FROM routing_versions")
        number = int(rows[0]["n"]) + 1
        if number == 1:
            _keep_routing(desk, number, routing_text(desk), "", "Trước lần sửa đầu tiên")
            number += 1
        _keep_routing(desk, number, text, by, why)
        _write(desk.place.overlay / "alerting" / "routing.toml", text)
        desk.reload(desk.in_force.catalog)
        return number


def routing_versions(desk: Desk) -> list[dict[str, Any]]:
    """Oldest first."""
    rows = desk.store.select("SELECT * FROM routing_versions ORDER BY number")
    return [row | {"changed_at": row["changed_at"].replace(tzinfo=UTC)} for row in rows]


def _keep_routing(desk: Desk, number: int, text: str, by: str, why: str) -> None:
    row = [number, text, by, desk.now().astimezone(UTC).replace(tzinfo=None), why]
    desk.store.execute("INSERT INTO routing_versions VALUES (?, ?, ?, ?, ?)", row)


def _routing_file(desk: Desk) -> Path:
    overlay = desk.place.overlay
    if overlay is not None and (overlay / "alerting" / "routing.toml").is_file():
        return overlay / "alerting" / "routing.toml"
    return Path(str(files("ioc.catalog").joinpath("alerting", "routing.toml")))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
