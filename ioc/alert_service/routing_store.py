"""Check rules and routing that people change, keep each version, and put it in force; a fault changes nothing."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from ioc.alert_service.rule_store import not_toml
from ioc.alert_service.service import AlertService
from ioc.alerts.refusals import ActRefused, no_rule, require_person_and_reason
from ioc.alerts.versions import Revisions, RuleVersion, require_revision, revision_of
from ioc.atomic_file import write_atomically
from ioc.catalog.channels import load_channels
from ioc.catalog.routing import AlertRouting, read_routing
from ioc.catalog.rules import check_rule, load_rules
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault, TomlTable
from ioc.clock import to_ms
from ioc.messages import Message
from ioc.model.rule import Rule
from ioc.store.times import aware, naive


def check(service: AlertService, fields: Mapping[str, Any]) -> Rule:
    """Return the rule that the fields make. Raises CatalogInvalid with every fault found."""
    return check_rule(service.in_force.catalog, service.in_force.rules.procedures, fields)


def put_rule(
    service: AlertService, rule: str, fields: Mapping[str, Any] | None, by: str, why: str, revision: str | None = None
) -> RuleVersion:
    """Put a rule in force; `fields` None takes it out.

    `revision` names what the change was made from: "" for a new rule, None when the caller does not say.
    Raises CatalogInvalid, ActRefused, ChangedMeanwhile; the previous rule then stays in force.
    """
    with service.editing:
        _require_revision(service, rule, revision, fields)
        if fields is not None:
            if fields.get("id") != rule:
                raise ActRefused("id", Message("rule_id_fixed", given=rule))
            check(service, fields)
        elif rule not in service.in_force.rules.rules:
            raise no_rule(rule)
        return _keep(
            service, service.rule_store.next(rule, pack_fields(service, rule), fields, by, to_ms(service.now()), why)
        )


def roll_back(
    service: AlertService, rule: str, number: int, by: str, why: str, revision: str | None = None
) -> RuleVersion:
    """Put an earlier version of a rule in force.

    Raises CatalogInvalid when it no longer fits the catalogue, ActRefused, ChangedMeanwhile.
    """
    with service.editing:
        wanted = next((one.fields for one in versions(service, rule) if one.number == number), None)
        _require_revision(service, rule, revision, wanted)
        version = service.rule_store.back(rule, pack_fields(service, rule), number, by, to_ms(service.now()), why)
        if version.fields is not None:
            check(service, version.fields)
        return _keep(service, version)


def versions(service: AlertService, rule: str) -> list[RuleVersion]:
    """Return the versions of a rule, oldest first; number 0 is what the packs say."""
    return service.rule_store.history(rule, pack_fields(service, rule))


def pack_fields(service: AlertService, rule: str) -> Mapping[str, Any] | None:
    """Return a rule's fields in the packs, None when they do not have it."""
    return load_rules(service.in_force.catalog, service.config.overlay).fields.get(rule)


def rule_revision(service: AlertService, rule: str) -> str:
    """Return the revision of the rule in force; empty where there is none."""
    return revision_of(service.in_force.rules.fields.get(rule))


def _require_revision(service: AlertService, rule: str, revision: str | None, wanted: Mapping[str, Any] | None) -> None:
    if revision is None:
        return
    history = versions(service, rule)
    known = {revision_of(one.fields): one.fields for one in history}
    last = history[-1] if history else None
    require_revision(Revisions(rule, service.in_force.rules.fields.get(rule), known, last), revision, wanted)


def _keep(service: AlertService, version: RuleVersion) -> RuleVersion:
    changed = service.rule_store.changed() | {version.rule: version.fields}
    found = service.definitions(service.in_force.catalog, changed)
    service.rule_store.keep(version)
    service.put_in_force(found)
    return version


def routing_fields(text: str) -> dict[str, Any]:
    """Parse a routing file, with times as text; return nothing for what is not TOML."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}
    found: dict[str, Any] = json.loads(json.dumps(data, default=lambda time: time.isoformat()))
    return found


def routing_text(service: AlertService) -> str:
    """Return the text of the routing file in force."""
    return _routing_file(service).read_text(encoding="utf-8")


def check_routing(service: AlertService, text: str) -> AlertRouting:
    """Return the routing that a text makes. Raises CatalogInvalid with every fault found."""
    faults: list[DefinitionFault] = []
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        message = not_toml(fault)
        raise CatalogInvalid([DefinitionFault("console", "", "text", message)]) from None
    found = read_routing(TomlTable("", data, {}, "console", faults), faults, load_channels(service.config.channels))
    if faults or found is None:
        raise CatalogInvalid(faults)
    return found


@dataclass(frozen=True, slots=True)
class RoutingVersion:
    """A saved routing, with author, time and reason."""

    number: int
    by: str
    at_ms: int
    why: str
    text: str


def put_routing(service: AlertService, text: str, by: str, why: str, revision: str | None = None) -> int:
    """Write the province's routing file, record the version, and return its number.

    `revision` is that of the text that the change was made from, None when the caller does not say.
    Raises CatalogInvalid, ActRefused, ChangedMeanwhile.
    """
    require_person_and_reason(by, why)
    with service.editing:
        check_routing(service, text)
        present = routing_text(service)
        if revision is not None and revision != revision_of(present):
            past = [
                RoutingVersion(row["number"], row["changed_by"], to_ms(row["changed_at"]), row["why"], row["content"])
                for row in routing_versions(service)
            ]
            known = {revision_of(one.text): routing_fields(one.text) for one in past}
            last = past[-1] if past else None
            revisions = Revisions(Message("the_routing"), routing_fields(present), known, last, revision_of(present))
            require_revision(revisions, revision, routing_fields(text))
        if service.config.overlay is None:
            raise ActRefused("", Message("no_folder"))
        rows = service.store.select("SELECT coalesce(max(number), 0) AS n FROM routing_versions")
        number = int(rows[0]["n"]) + 1
        if number == 1:
            _keep_routing(service, number, routing_text(service), "", "Trước lần sửa đầu tiên")
            number += 1
        _keep_routing(service, number, text, by, why)
        write_atomically(service.config.overlay / "alerting" / "routing.toml", text)
        service.reload(service.in_force.catalog)
        return number


def routing_versions(service: AlertService) -> list[dict[str, Any]]:
    """Return the rows of `routing_versions`, oldest first, with aware times."""
    rows = service.store.select("SELECT * FROM routing_versions ORDER BY number")
    return [row | {"changed_at": aware(row["changed_at"])} for row in rows]


def _keep_routing(service: AlertService, number: int, text: str, by: str, why: str) -> None:
    row = [number, text, by, naive(service.now()), why]
    service.store.execute("INSERT INTO routing_versions VALUES (?, ?, ?, ?, ?)", row)


def _routing_file(service: AlertService) -> Path:
    overlay = service.config.overlay
    if overlay is not None and (overlay / "alerting" / "routing.toml").is_file():
        return overlay / "alerting" / "routing.toml"
    return Path(str(files("ioc.catalog").joinpath("alerting", "routing.toml")))
