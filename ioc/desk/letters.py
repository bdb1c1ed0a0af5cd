"""Deliveries as they go out: rendered once, when they are planned, so that every try sends the same."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from ioc.alerts.grouping import Delivery
from ioc.alerts.messages import Setting, Subject, message
from ioc.alerts.plan import limits_of
from ioc.catalog.catalog import Catalog
from ioc.catalog.routing import Alerting
from ioc.catalog.rules import Rules
from ioc.clock import from_ms, rfc3339
from ioc.model.alert import Alert, Transition, TransitionKind
from ioc.model.kpi import KpiDefinition
from ioc.model.rule import Rule, leaves
from ioc.store.alerting import Letter

MOST_IN_PAYLOAD = 1_000


@dataclass(frozen=True)
class Wording:
    """What messages say beside the alerts: names of rules, units, KPIs. `link` is the address of the console."""

    catalog: Catalog
    rules: Rules
    alerting: Alerting
    zone: ZoneInfo
    link: str

    def kpi(self, kpi_id: str) -> KpiDefinition | None:
        return self.catalog.kpis.get(kpi_id)

    def letter(self, delivery: Delivery, standing: Mapping[str, Alert]) -> Letter:
        receiver = self.alerting.routing.receivers.get(delivery.receiver)
        language = receiver.language if receiver else "vi"
        templates = self.alerting.templates
        template = templates.get(receiver.template if receiver else "") or next(iter(templates.values()), None)
        subject, body = "", ""
        if template is not None:
            name = receiver.name[language] if receiver else delivery.channel
            setting = Setting(self.catalog.province.name, name, language, self.zone, self.link)
            text = message(template, delivery, standing, self._subjects(delivery, language), setting)
            subject, body = text.subject, text.body
        return Letter(
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
            payload=orjson.dumps(self.payload(delivery, standing)).decode(),
        )

    def payload(self, delivery: Delivery, standing: Mapping[str, Alert]) -> dict[str, Any]:
        """Alertmanager's version-4 message; beside its fields the id of the delivery, by which a repeat is known, and
        of each alert the id, and of its transitions."""
        told: list[tuple[str, Transition | None]] = [(one.alert, one) for one in delivery.transitions]
        told = told or [(alert, None) for alert in delivery.alerts]
        alerts = [self._alert(alert, one, standing.get(alert)) for alert, one in told[:MOST_IN_PAYLOAD]]
        ended = bool(alerts) and all(alert["status"] == "resolved" for alert in alerts)
        return {
            "version": "4",
            "id": delivery.id,
            "kind": delivery.kind.value,
            "groupKey": delivery.group,
            "truncatedAlerts": max(len(told) - MOST_IN_PAYLOAD, 0),
            "status": "resolved" if ended else "firing",
            "receiver": delivery.receiver,
            "groupLabels": {},
            "commonLabels": _common([alert["labels"] for alert in alerts]),
            "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
            "externalURL": self.link,
            "alerts": alerts,
        }

    def _alert(self, alert_id: str, one: Transition | None, alert: Alert | None) -> dict[str, Any]:
        rule_id, unit, onset = alert_id.rsplit("/", 2)
        labels = dict(alert.labels) if alert else {"rule": rule_id, "unit": unit}
        if one is not None:
            labels["severity"] = one.severity.value
        rule = self.rules.rules.get(rule_id)
        ended = one is not None and one.kind is TransitionKind.RESOLVED
        return {
            "status": "resolved" if ended else "firing",
            "labels": {"alertname": rule_id, **labels},
            "annotations": self.annotations(rule, rule_id, unit),
            "startsAt": rfc3339(from_ms(int(onset))),
            "endsAt": rfc3339(from_ms(one.at_ms)) if ended and one is not None else "0001-01-01T00:00:00Z",
            "generatorURL": self.link,
            "fingerprint": alert_id,
            "transition": "" if one is None else one.id,
        }

    def annotations(self, rule: Rule | None, rule_id: str, unit: str) -> dict[str, str]:
        known = self.catalog.vocabulary.units.get(unit)
        names = rule.name if rule else {"vi": rule_id, "en": rule_id}
        place = known.name if known else unit
        return {"summary": f"{names['vi']} · {place}", "summary_en": f"{names['en']} · {place}"}

    def _subjects(self, delivery: Delivery, language: str) -> dict[tuple[str, str], Subject]:
        places = {tuple(alert.rsplit("/", 2)[:2]) for alert in delivery.alerts}
        return {(rule, unit): self._subject(rule, unit, language) for rule, unit in places if rule in self.rules.rules}

    def _subject(self, rule_id: str, unit: str, language: str) -> Subject:
        rule = self.rules.rules[rule_id]
        kpi, known = self.kpi(rule.kpi), self.catalog.vocabulary.units.get(unit)
        procedure = self.rules.procedures.get(rule.procedure)
        return Subject(
            name=rule.name[language],
            unit=known.name if known else unit,
            unit_of_measure=kpi.unit_of_measure if kpi else "",
            digits=kpi.digits if kpi else 1,
            limit=limit_text(rule, self.catalog),
            owner=rule.owner,
            procedure=procedure.name[language] if procedure else "",
            link=self.link,
        )


def limit_text(rule: Rule, catalog: Catalog) -> str:
    """The limits of the rule's first leaf, as "> 45" or "< 3, > 9"; empty where it has none."""
    targets = {kpi_id: kpi.targets for kpi_id, kpi in catalog.kpis.items()}
    limits = limits_of(next(leaves(rule.condition)), targets, 9999)
    parts = []
    if limits.fires_below is not None:
        parts.append(f"< {limits.fires_below:g}")
    if limits.fires_above is not None:
        parts.append(f"> {limits.fires_above:g}")
    return ", ".join(parts)


def _common(listed: Iterable[Mapping[str, str]]) -> dict[str, str]:
    rows = list(listed)
    return {name: value for name, value in rows[0].items() if all(r.get(name) == value for r in rows)} if rows else {}
