"""Render notifications once, when they are planned, so that every try sends the same text and payload."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from ioc.alert_service.external_alert import ExternalAlert
from ioc.alerts.grouping import Delivery
from ioc.alerts.labels import slot_labels
from ioc.alerts.message_text import MessageContext, Subject, render_message
from ioc.alerts.rule_arrays import limits_of, year_of
from ioc.catalog.catalog import Catalog
from ioc.catalog.routing import AlertRouting
from ioc.catalog.rules import Rules
from ioc.clock import from_ms, rfc3339
from ioc.model.alert import Alert, Transition, TransitionKind
from ioc.model.kpi import KpiDefinition
from ioc.model.number_text import exact_text
from ioc.model.rule import Rule, leaves
from ioc.store.alerting import Notification

MAX_ALERTS_IN_PAYLOAD = 1_000
NEVER = "0001-01-01T00:00:00Z"
"""`endsAt` of an alert that has not ended, as Alertmanager writes it."""


@dataclass(frozen=True)
class NotificationWriter:
    """Write notifications with the names of rules, units and KPIs. `link` is the address of the console."""

    catalog: Catalog
    rules: Rules
    alerting: AlertRouting
    zone: ZoneInfo
    link: str

    def kpi(self, kpi_id: str) -> KpiDefinition | None:
        """Return the definition of a KPI, None for an unknown id."""
        return self.catalog.kpis.get(kpi_id)

    def notification(
        self, delivery: Delivery, active: Mapping[str, Alert], external: Mapping[str, ExternalAlert]
    ) -> Notification:
        """Render a delivery.

        `active` are the alerts of now, `external` the alerts of other systems that the delivery may list, also those
        that have ended; both by id.
        """
        receiver = self.alerting.routing.receivers.get(delivery.receiver)
        language = receiver.language if receiver else "vi"
        templates = self.alerting.templates
        template = templates.get(receiver.template if receiver else "") or next(iter(templates.values()), None)
        subject, body = "", ""
        if template is not None:
            name = receiver.name[language] if receiver else delivery.channel
            setting = MessageContext(self.catalog.province.name, name, language, self.zone, self.link)
            text = render_message(template, delivery, active, self._subjects(delivery, language, external), setting)
            subject, body = text.subject, text.body
        return Notification(
            id=delivery.id,
            kind=delivery.kind.value,
            lane=delivery.lane,
            number=delivery.number,
            route=delivery.route,
            receiver=delivery.receiver,
            channel=delivery.channel,
            person=delivery.person,
            planned_at=from_ms(delivery.at_ms),
            alerts=delivery.alerts,
            transitions=tuple(one.id for one in delivery.transitions),
            subject=subject,
            body=body,
            payload=orjson.dumps(self.payload(delivery, active, external)).decode(),
        )

    def payload(
        self, delivery: Delivery, active: Mapping[str, Alert], external: Mapping[str, ExternalAlert]
    ) -> dict[str, Any]:
        """Return Alertmanager's version-4 message: the whole group, `firing` while one of its alerts fires.

        Beyond Alertmanager's fields it has the id of the delivery, by which a receiver knows a repeat, and the
        transitions that each alert is listed for.
        """
        news: dict[str, list[Transition]] = {}
        for one in delivery.transitions:
            news.setdefault(one.alert, []).append(one)
        names = [name for name in delivery.alerts if name in news or name in active]
        alerts = [self._alert(name, news.get(name, ()), active.get(name), external.get(name)) for name in names]
        return {
            "version": "4",
            "id": delivery.id,
            "kind": delivery.kind.value,
            "groupKey": delivery.group,
            "truncatedAlerts": max(len(alerts) - MAX_ALERTS_IN_PAYLOAD, 0),
            "status": "firing" if any(alert["status"] == "firing" for alert in alerts) else "resolved",
            "receiver": delivery.receiver,
            "groupLabels": dict(delivery.labels),
            "commonLabels": _common([alert["labels"] for alert in alerts]),
            "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
            "externalURL": self.link,
            "alerts": alerts[:MAX_ALERTS_IN_PAYLOAD],
        }

    def _alert(
        self, name: str, news: Sequence[Transition], alert: Alert | None, external: ExternalAlert | None
    ) -> dict[str, Any]:
        rule_id, unit, onset = name.rsplit("/", 2)
        last = news[-1] if news else None
        ended = last is not None and last.kind is TransitionKind.RESOLVED
        return {
            "status": "resolved" if ended else "firing",
            "labels": self._labels(rule_id, unit, alert, external),
            "annotations": self.annotations(rule_id, unit, external),
            "startsAt": rfc3339(from_ms(int(onset))),
            "endsAt": rfc3339(from_ms(last.at_ms)) if ended and last is not None else NEVER,
            "generatorURL": external.link if external else self.link,
            "fingerprint": name,
            "transition": "" if last is None else last.id,
            "transitions": [one.id for one in news],
        }

    def _labels(self, rule_id: str, unit: str, alert: Alert | None, external: ExternalAlert | None) -> dict[str, str]:
        """Return an alert's labels, the same while it fires and once it has ended."""
        rule = self.rules.rules.get(rule_id)
        if alert is not None:
            labels = dict(alert.labels)
        elif external is not None:
            labels = dict(external.labels)
        else:
            labels = slot_labels(rule, unit) if rule else {"rule": rule_id, "unit": unit}
        return {"alertname": rule_id, **labels}

    def annotations(self, rule_id: str, unit: str, external: ExternalAlert | None) -> dict[str, str]:
        """Return the annotations that the other system sent, or the name of the rule with that of the unit."""
        if external is not None:
            return dict(external.annotations)
        rule = self.rules.rules.get(rule_id)
        names = rule.name if rule else {"vi": rule_id, "en": rule_id}
        unit_name = self.unit_name(unit)
        return {"summary": f"{names['vi']} · {unit_name}", "summary_en": f"{names['en']} · {unit_name}"}

    def unit_name(self, unit: str) -> str:
        """Return the name of a unit; its code when it is unknown."""
        known = self.catalog.vocabulary.units.get(unit)
        return known.name if known else unit

    def _subjects(
        self, delivery: Delivery, language: str, external: Mapping[str, ExternalAlert]
    ) -> dict[tuple[str, str], Subject]:
        found: dict[tuple[str, str], Subject] = {}
        for name in delivery.alerts:
            rule, unit, _ = name.rsplit("/", 2)
            if (rule, unit) in found:
                continue
            if (external_alert := external.get(name)) is not None:
                found[rule, unit] = self._external_subject(external_alert)
            elif rule in self.rules.rules:
                found[rule, unit] = self._subject(rule, unit, language, year_of(delivery.at_ms, self.zone))
        return found

    def _subject(self, rule_id: str, unit: str, language: str, year: int) -> Subject:
        rule = self.rules.rules[rule_id]
        kpi = self.kpi(rule.kpi)
        procedure = self.rules.procedures.get(rule.procedure)
        return Subject(
            name=rule.name[language],
            unit=self.unit_name(unit),
            unit_of_measure=kpi.unit_of_measure if kpi else "",
            digits=kpi.digits if kpi else 1,
            limit=limit_text(rule, self.catalog, year, language),
            owner=rule.owner,
            procedure=procedure.name[language] if procedure else "",
            link=self.link,
        )

    def _external_subject(self, external: ExternalAlert) -> Subject:
        return Subject(
            name=external.name,
            unit=self.unit_name(external.unit),
            owner=external.labels.get("owner", ""),
            procedure=external.annotations.get("runbook_url", ""),
            link=external.link or self.link,
            detail=external.detail,
        )


def limit_text(rule: Rule, catalog: Catalog, year: int, language: str = "") -> str:
    """Return the limits of the rule's first leaf in a year, such as "> 45" or "< 3, > 9"; empty where it has none.

    Numbers are written by `exact_text`.
    """
    targets = {kpi_id: kpi.targets for kpi_id, kpi in catalog.kpis.items()}
    limits = limits_of(next(leaves(rule.condition)), targets, year)
    parts = []
    if limits.fires_below is not None:
        parts.append(f"< {exact_text(limits.fires_below, language)}")
    if limits.fires_above is not None:
        parts.append(f"> {exact_text(limits.fires_above, language)}")
    return (", " if language != "vi" else "; ").join(parts)


def _common(listed: Iterable[Mapping[str, str]]) -> dict[str, str]:
    rows = list(listed)
    return {name: value for name, value in rows[0].items() if all(r.get(name) == value for r in rows)} if rows else {}
