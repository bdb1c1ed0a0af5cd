"""Load rules, routing and channels, with the last good versions of faulty files."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ioc.alert_service.notification_text import NotificationWriter
from ioc.alerts.inputs import Needs
from ioc.alerts.rule_arrays import RuleArrays
from ioc.catalog.catalog import Catalog
from ioc.catalog.channels import Channel, load_channels
from ioc.catalog.last_good import read_last_good, read_last_good_file
from ioc.catalog.routing import AlertRouting, load_routing
from ioc.catalog.rules import Rules, load_rules
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault

Changed = Mapping[str, Mapping[str, Any] | None]
"""Fields of the rules that people changed, by rule; None for one that was taken out."""


@dataclass(frozen=True)
class AlertServiceConfig:
    """Where the service finds its definitions.

    `overlay` is the folder of the province's definitions, `channels` the file of channels, `link` the address of the
    console. `kept` is the folder for the last good versions of these files; None keeps none.
    """

    overlay: Path | None
    channels: Path
    zone: ZoneInfo
    link: str
    kept: Path | None = None


@dataclass(frozen=True)
class AlertDefinitions:
    """Rules, routing and channels in force, with what is derived from them.

    `needs` is what a tick's inputs must contain for these rules. `faults` are those of the files whose last good
    version is in force.
    """

    catalog: Catalog
    rules: Rules
    alerting: AlertRouting
    channels: Mapping[str, Channel]
    needs: Needs
    writer: NotificationWriter
    faults: tuple[DefinitionFault, ...] = ()


def load_definitions(config: AlertServiceConfig, catalog: Catalog, changed: Changed) -> AlertDefinitions:
    """Read all definitions, with these rules changed. Raises CatalogInvalid."""
    channels = load_channels(config.channels)
    rules, alerting = _rules_and_routing(catalog, config.overlay, channels, changed)
    return _definitions(config, catalog, rules, alerting, channels)


def last_good_definitions(config: AlertServiceConfig, catalog: Catalog, changed: Changed) -> AlertDefinitions:
    """Read all definitions; the last good version replaces a faulty file of the province.

    Raises CatalogInvalid when there is no good version.
    """
    if config.kept is None:
        return load_definitions(config, catalog, changed)
    channels = read_last_good_file(load_channels, config.channels, config.kept / "channels")
    found = read_last_good(
        lambda folder: _rules_and_routing(catalog, folder, channels.value, changed),
        config.overlay,
        ("*.toml", "alerting/*.toml"),
        config.kept / "rules",
    )
    rules, alerting = found.value
    definitions = _definitions(config, catalog, rules, alerting, channels.value)
    return replace(definitions, faults=(*channels.faults, *found.faults))


def rule_arrays_of(definitions: AlertDefinitions, zone: ZoneInfo, now: datetime) -> RuleArrays:
    """Lay the rules out for the units that exist at `now`; a commune that was merged away lacks nothing."""
    today = now.astimezone(zone).date()
    units = {code: unit for code, unit in definitions.catalog.vocabulary.units.items() if unit.is_in_being(today)}
    targets = {kpi_id: kpi.targets for kpi_id, kpi in definitions.catalog.kpis.items()}
    return RuleArrays.of(definitions.rules.rules.values(), units, targets, zone)


def _definitions(
    config: AlertServiceConfig, catalog: Catalog, rules: Rules, alerting: AlertRouting, channels: Mapping[str, Channel]
) -> AlertDefinitions:
    writer = NotificationWriter(catalog, rules, alerting, config.zone, config.link)
    return AlertDefinitions(catalog, rules, alerting, channels, Needs.of(rules.rules.values()), writer)


def _rules_and_routing(
    catalog: Catalog,
    overlay: Path | None,
    channels: Mapping[str, Channel],
    changed: Changed,
) -> tuple[Rules, AlertRouting]:
    """Read rules and routing. Raises CatalogInvalid with the faults of both."""
    faults: list[DefinitionFault] = []
    alerting = None
    try:
        alerting = load_routing(overlay, channels)
    except CatalogInvalid as invalid:
        faults += invalid.faults
    try:
        rules = load_rules(catalog, overlay, changed)
    except CatalogInvalid as invalid:
        raise CatalogInvalid([*faults, *invalid.faults]) from None
    if alerting is None:
        raise CatalogInvalid(faults)
    return rules, alerting
