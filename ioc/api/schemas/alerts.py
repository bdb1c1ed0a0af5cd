"""Alerts as JSON, the same on REST, websocket and Kafka."""

from typing import Literal

from typing_extensions import TypedDict

from ioc.alert_service.external_alert import ExternalAlert
from ioc.alert_service.notification_text import limit_text
from ioc.alert_service.service import AlertService
from ioc.alerts.rule_arrays import year_of
from ioc.catalog.toml_table import LANGUAGES
from ioc.clock import from_ms, rfc3339, to_ms
from ioc.model.alert import Alert, Handling, Suppression, SuppressionReason
from ioc.model.matcher import Matcher
from ioc.model.rule import Rule


class ReasonShape(TypedDict):
    """Why an alert is suppressed; `text` is English, `texts` has both languages. `of` names the cause."""

    kind: str
    of: str
    text: str
    texts: dict[str, str]


class AlertShape(TypedDict):
    """A present alert.

    - `severity`: the rank, 1 is critical; `severity_word`: its name.
    - `activeAt`: when the condition began. `since`: when it fired; while it is pending, when the limit was passed.
    - `holder`: the account that has acknowledged it; `holder_name`: the person. Empty while nobody has.
    - `quiet`: it makes no noise; `suppression` and `handled` say why.
    - `limit`: the limit for programs; `limits`: for readers, by language.
    - `matchers`: match this alert and no other, whenever it fires. A silence begins with them.
    """

    id: str
    severity: int
    severity_word: Literal["critical", "high", "medium", "low"]
    rule: str
    kpi: str
    unit: str
    sector: str
    source: str
    name: dict[str, str]
    state: Literal["pending", "firing", "recovering"]
    activeAt: str
    since: str
    value: float | None
    unit_of_measure: str
    digits: int
    limit: str
    limits: dict[str, str]
    matchers: list[str]
    data: str
    handling: Literal["unacknowledged", "acknowledged", "shelved", "out_of_service"]
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


class PrometheusAlertShape(TypedDict):
    """An alert as Prometheus returns it: `alertname` is among the labels, the value is text."""

    labels: dict[str, str]
    annotations: dict[str, str]
    state: Literal["pending", "firing"]
    activeAt: str
    value: str


def alert_shape(service: AlertService, alert: Alert) -> AlertShape:
    """Return the JSON of a present alert."""
    found, standing = service.in_force, service.state
    rule, incoming = found.rules.rules.get(alert.rule), standing.external.get(alert.id)
    kpi = found.writer.kpi(rule.kpi) if rule else None
    year = year_of(to_ms(service.now()), service.config.zone)
    acknowledgement = standing.handling.acknowledged.get(alert.id)
    holder = acknowledgement.by if acknowledgement is not None and alert.handling is not Handling.UNACKNOWLEDGED else ""
    return {
        "id": alert.id,
        "severity": alert.severity.rank,
        "severity_word": alert.severity.value,
        "rule": alert.rule,
        "kpi": alert.labels.get("kpi", ""),
        "unit": alert.unit,
        "sector": alert.labels.get("sector", ""),
        "source": alert.labels.get("source", ""),
        "name": _name(alert, rule, incoming),
        "state": alert.condition.value,  # type: ignore[typeddict-item] # present alerts are not inactive
        "activeAt": rfc3339(from_ms(alert.onset_ms)),
        "since": rfc3339(from_ms(alert.since_ms or alert.onset_ms)),
        "value": alert.value,
        "unit_of_measure": kpi.unit_of_measure if kpi else "",
        "digits": kpi.digits if kpi else 1,
        "limit": limit_text(rule, found.catalog, year) if rule else "",
        "limits": {one: limit_text(rule, found.catalog, year, one) if rule else "" for one in LANGUAGES},
        "matchers": _matchers(alert, incoming),
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


def _name(alert: Alert, rule: Rule | None, incoming: ExternalAlert | None) -> dict[str, str]:
    if incoming is not None:
        return dict.fromkeys(LANGUAGES, incoming.name)
    return dict(rule.name) if rule else dict.fromkeys(LANGUAGES, alert.rule)


def _matchers(alert: Alert, incoming: ExternalAlert | None) -> list[str]:
    if incoming is not None:
        return list(incoming.matchers)
    return [str(Matcher("rule", "=", alert.rule)), str(Matcher("unit", "=", alert.unit))]


def reason_shape(service: AlertService, reason: SuppressionReason) -> ReasonShape:
    """Return the JSON of the reason why an alert is suppressed."""
    texts = reason_texts(service, reason.kind.value, reason.of, reason.text)
    return {"kind": reason.kind.value, "of": reason.of, "text": reason.text, "texts": texts}


def reason_texts(service: AlertService, kind: str, of: str, text: str) -> dict[str, str]:
    """Return, by language, why an alert is suppressed. A text that a person wrote is the same in all languages."""
    if kind == Suppression.OUTSIDE_HOURS:
        return {"vi": "Ngoài giờ áp dụng của luật.", "en": "Outside the rule's hours."}
    if kind != Suppression.INHIBITED_BY:
        return dict.fromkeys(LANGUAGES, text)
    incoming, rule = service.state.external.get(of), service.in_force.rules.rules.get(of.rsplit("/", 2)[0])
    names = dict(rule.name) if rule else dict.fromkeys(LANGUAGES, incoming.name if incoming else of)
    return {"vi": f"Đang có cảnh báo: {names['vi']}.", "en": f"{names['en']} is firing."}


def prometheus_shape(shape: AlertShape) -> PrometheusAlertShape:
    """Return an alert as Prometheus returns it."""
    return {
        "labels": {"alertname": shape["rule"], **shape["labels"]},
        "annotations": shape["annotations"],
        "state": "pending" if shape["state"] == "pending" else "firing",
        "activeAt": shape["activeAt"],
        "value": "NaN" if shape["value"] is None else f"{shape['value']:e}",
    }
