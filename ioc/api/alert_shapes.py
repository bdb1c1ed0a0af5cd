"""The JSON of alerts, on REST, websocket and Kafka the same."""

from collections.abc import Mapping
from typing import Any

from typing_extensions import TypedDict

from ioc.clock import from_ms, rfc3339
from ioc.desk.desk import Desk
from ioc.desk.letters import limit_text
from ioc.model.alert import Alert, Handling


class ReasonShape(TypedDict):
    kind: str
    of: str
    text: str


class AlertShape(TypedDict):
    """`severity` is the rank, 1 the gravest. `since` is when it fired, or when the limit was passed while it is
    pending; `holder` who has acknowledged it, empty when nobody has; `quiet` that it makes no noise, `suppression`
    and `handled` why."""

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
    data: str
    handling: str
    handled: str
    holder: str
    quiet: bool
    suppression: list[ReasonShape]
    labels: dict[str, str]
    annotations: dict[str, str]
    owner: str
    procedure: str
    link: str


def alert_shape(desk: Desk, alert: Alert) -> AlertShape:
    found, standing = desk.in_force, desk.standing
    rule, incoming = found.rules.rules.get(alert.rule), standing.incoming.get(alert.id)
    kpi = found.wording.kpi(rule.kpi) if rule else None
    if incoming is not None:
        title = incoming.annotations.get("summary") or incoming.labels.get("alertname", alert.rule)
        name = {"vi": title, "en": title}
        annotations = dict(incoming.annotations)
    else:
        name = dict(rule.name) if rule else {"vi": alert.rule, "en": alert.rule}
        annotations = found.wording.annotations(rule, alert.rule, alert.unit)
    held = standing.book.acknowledged.get(alert.id)
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
        "limit": limit_text(rule, found.catalog) if rule else "",
        "data": alert.data,
        "handling": alert.handling.value,
        "handled": alert.handled,
        "holder": held.by if held is not None and alert.handling is not Handling.UNACKNOWLEDGED else "",
        "quiet": alert.is_quiet,
        "suppression": [{"kind": one.kind.value, "of": one.of, "text": one.text} for one in alert.suppression],
        "labels": dict(alert.labels),
        "annotations": annotations,
        "owner": rule.owner if rule else "",
        "procedure": rule.procedure if rule else "",
        "link": incoming.link if incoming else "",
    }


def prometheus_shape(shape: Mapping[str, Any]) -> dict[str, Any]:
    """As Prometheus gives an alert: `alertname` among the labels, the value as text."""
    return {
        "labels": {"alertname": shape["rule"], **shape["labels"]},
        "annotations": shape["annotations"],
        "state": "pending" if shape["state"] == "pending" else "firing",
        "activeAt": shape["activeAt"],
        "value": "NaN" if shape["value"] is None else f"{shape['value']:e}",
    }
