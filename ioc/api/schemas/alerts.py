"""The JSON of alerts, on REST, websocket and Kafka the same."""

from collections.abc import Mapping
from typing import Any

from typing_extensions import TypedDict

from ioc.alert_service.notification_text import limit_text
from ioc.alert_service.service import AlertService
from ioc.alerts.rule_arrays import year_of
from ioc.catalog.toml_table import LANGUAGES
from ioc.clock import from_ms, rfc3339, to_ms
from ioc.model.alert import Alert, Handling, Suppression, SuppressionReason
from ioc.model.matcher import Matcher


class ReasonShape(TypedDict):
    """`texts` says in both languages what `text` says in English."""

    kind: str
    of: str
    text: str
    texts: dict[str, str]


class AlertShape(TypedDict):
    """`severity` is the rank, 1 the gravest. `since` is when it fired, or when the limit was passed while it is
    pending. `holder` is the account that has acknowledged it and `holder_name` its person, empty when nobody has.
    `quiet` says that it makes no noise, `suppression` and `handled` why. `limit` is for programs, `limits` for readers
    by language. `matchers` mean this alert and no other, whenever it fires: what a silence begins with."""

    id: str
    severity: int
    severity_word: str
    rule: str
    kpi: str
    unit: str
    sector: str
    source: str
    name: dict[str, str]
    state: str
    activeAt: str
    since: str
    value: float | None
    unit_of_measure: str
    digits: int
    limit: str
    limits: dict[str, str]
    matchers: list[str]
    data: str
    handling: str
    handled: str
    holder: str
    holder_name: str
    quiet: bool
    suppression: list[ReasonShape]
    labels: dict[str, str]
    annotations: dict[str, str]
    owner: str
    procedure: str
    link: str


def alert_shape(service: AlertService, alert: Alert) -> AlertShape:
    found, standing = service.in_force, service.state
    rule, incoming = found.rules.rules.get(alert.rule), standing.external.get(alert.id)
    kpi = found.writer.kpi(rule.kpi) if rule else None
    if incoming is not None:
        name = {"vi": incoming.name, "en": incoming.name}
        matchers = incoming.matchers
    else:
        name = dict(rule.name) if rule else {"vi": alert.rule, "en": alert.rule}
        matchers = [str(Matcher("rule", "=", alert.rule)), str(Matcher("unit", "=", alert.unit))]
    year = year_of(to_ms(service.now()), service.config.zone)
    held = standing.handling.acknowledged.get(alert.id)
    holder = held.by if held is not None and alert.handling is not Handling.UNACKNOWLEDGED else ""
    return {
        "id": alert.id,
        "severity": alert.severity.rank,
        "severity_word": alert.severity.value,
        "rule": alert.rule,
        "kpi": alert.labels.get("kpi", ""),
        "unit": alert.unit,
        "sector": alert.labels.get("sector", ""),
        "source": alert.labels.get("source", ""),
        "name": name,
        "state": alert.condition.value,
        "activeAt": rfc3339(from_ms(alert.onset_ms)),
        "since": rfc3339(from_ms(alert.since_ms or alert.onset_ms)),
        "value": alert.value,
        "unit_of_measure": kpi.unit_of_measure if kpi else "",
        "digits": kpi.digits if kpi else 1,
        "limit": limit_text(rule, found.catalog, year) if rule else "",
        "limits": {one: limit_text(rule, found.catalog, year, one) if rule else "" for one in LANGUAGES},
        "matchers": matchers,
        "data": alert.data,
        "handling": alert.handling.value,
        "handled": alert.handled,
        "holder": holder,
        "holder_name": service.full_name(holder) if holder else "",
        "quiet": alert.is_quiet,
        "suppression": [reason_shape(service, one) for one in alert.suppression],
        "labels": dict(alert.labels),
        "annotations": found.writer.annotations(alert.rule, alert.unit, incoming),
        "owner": rule.owner if rule else "",
        "procedure": rule.procedure if rule else "",
        "link": incoming.link if incoming else "",
    }


def reason_shape(service: AlertService, reason: SuppressionReason) -> ReasonShape:
    texts = reason_texts(service, reason.kind.value, reason.of, reason.text)
    return {"kind": reason.kind.value, "of": reason.of, "text": reason.text, "texts": texts}


def reason_texts(service: AlertService, kind: str, of: str, text: str) -> dict[str, str]:
    """Why an alert makes no noise, by language; what a person wrote (`text`) stays as it is."""
    if kind == Suppression.OUTSIDE_HOURS:
        return {"vi": "Ngoài giờ áp dụng của luật.", "en": "Outside the rule's hours."}
    if kind != Suppression.INHIBITED_BY:
        return dict.fromkeys(LANGUAGES, text)
    incoming, rule = service.state.external.get(of), service.in_force.rules.rules.get(of.rsplit("/", 2)[0])
    names = dict(rule.name) if rule else dict.fromkeys(LANGUAGES, incoming.name if incoming else of)
    return {"vi": f"Đang có cảnh báo: {names['vi']}.", "en": f"{names['en']} is firing."}


def prometheus_shape(shape: Mapping[str, Any]) -> dict[str, Any]:
    """As Prometheus gives an alert: `alertname` among the labels, the value as text."""
    return {
        "labels": {"alertname": shape["rule"], **shape["labels"]},
        "annotations": shape["annotations"],
        "state": "pending" if shape["state"] == "pending" else "firing",
        "activeAt": shape["activeAt"],
        "value": "NaN" if shape["value"] is None else f"{shape['value']:e}",
    }
