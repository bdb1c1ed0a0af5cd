"""Lists of alerts as JSON: present, past, audited, in a flood, and one with everything known about it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from ioc.alert_service.external_alert import ExternalAlert
from ioc.alert_service.service import AlertService
from ioc.api.schemas.alerts import AlertShape, PrometheusAlertShape, alert_shape, prometheus_shape
from ioc.catalog.toml_table import LANGUAGES
from ioc.clock import rfc3339
from ioc.model.alert import Alert, ConditionState, Handling


class PrometheusAlertsShape(TypedDict):
    """Alerts as Prometheus returns them, without quiet ones."""

    alerts: list[PrometheusAlertShape]


class AlertCountsShape(TypedDict):
    """Counts of all present alerts, whatever the filter. The last two count firing alerts only."""

    firing: int
    pending: int
    quiet: int
    unacknowledged: int


class AlertListShape(TypedDict):
    """Alerts that match a filter. `status` and `data` make it an answer of Prometheus's API, too."""

    status: Literal["success"]
    as_of: str
    alerts: list[AlertShape]
    counts: AlertCountsShape
    data: PrometheusAlertsShape


class PastAlertShape(TypedDict):
    """An alert that fired. `ended_at` is null while it lasts; `name` is present only for another system's alert."""

    alert: str
    rule: str
    unit: str
    severity: str
    onset_at: str
    fired_at: str
    ended_at: str | None
    value_at_firing: float | None
    acknowledged_at: str | None
    acknowledged_by: str | None
    name: NotRequired[dict[str, str]]


class PastAlertListShape(TypedDict):
    """A page of alerts that fired, the latest first; `next` is null on the last page."""

    alerts: list[PastAlertShape]
    next: str | None


class AlertGoalsShape(TypedDict):
    """Goals of EEMUA 191 for one operator; `mix` are the shares of critical, high and lower alerts."""

    per_10_minutes: float
    per_day: float
    flood_share: float
    mix: list[float]


class FloodSpanShape(TypedDict):
    """A flood in ms since 1970; `until_ms` is null while it lasts."""

    from_ms: int
    until_ms: int | None
    alerts: int


class FrequentAlertShape(TypedDict):
    """A rule and unit with its number and share of all alerts."""

    rule: str
    unit: str
    alerts: int
    share: float


class AcknowledgementTimesShape(TypedDict):
    """Seconds from firing to acknowledgement (null when none was acknowledged), and counts."""

    median_s: float | None
    p90_s: float | None
    acknowledged: int
    open: int


AlertAuditShape = TypedDict(
    "AlertAuditShape",
    {
        "from": str, "to": str, "operators": int, "goals": AlertGoalsShape, "from_ms": int, "to_ms": int, "alerts": int,
        "per_window": float, "per_day": float, "busiest_window": float, "floods": list[FloodSpanShape],
        "flood_share": float, "chattering": list[FrequentAlertShape], "stale": list[str],
        "top": list[FrequentAlertShape], "mix": dict[str, float], "answer": AcknowledgementTimesShape,
    },
)  # fmt: skip
"""How good the alerts of [from, to) were, after ISA-18.2 and EEMUA 191. A window is ten minutes."""


class AlertCauseShape(TypedDict):
    """Present alerts of one cause; `follow` counts alerts that are inhibited by them."""

    rule: str
    severity: str
    units: list[str]
    alerts: list[str]
    follow: int
    first_ms: int


class FloodShape(TypedDict):
    """Whether alerts are flooding now, since when, how many, and present alerts by cause."""

    flood: bool
    since: str | None
    alerts: int
    causes: list[AlertCauseShape]


class TransitionShape(TypedDict):
    """A change of an alert's state."""

    kind: str
    moved_at: str
    severity: str
    value: float | None
    rule_version: str
    reason: str


class AlertActionShape(TypedDict):
    """What a person did about an alert."""

    done_at: str
    who: str
    act: str
    text: str


class AlertDeliveryShape(TypedDict):
    """A notification about the alert, and whether it was sent."""

    id: str
    kind: str
    channel: str
    receiver: str
    person: str
    planned_at: str
    state: Literal["waiting", "sent", "dead"]
    attempts: int
    reason: str | None


class ExternalAlertShape(TypedDict):
    """What another system sent about its alert."""

    name: dict[str, str]
    source: str
    labels: dict[str, str]
    annotations: dict[str, str]
    link: str


class AlertDetailShape(TypedDict):
    """Everything known about one alert.

    `alert` is null once it has ended. `incoming` is set for an ended alert of another system. `rule` are the fields of
    its rule, null where the rule no longer exists. `incidents` are ids.
    """

    id: str
    alert: AlertShape | None
    incoming: ExternalAlertShape | None
    rule: dict[str, Any] | None
    transitions: list[TransitionShape]
    acts: list[AlertActionShape]
    deliveries: list[AlertDeliveryShape]
    incidents: list[str]


def alert_list_shape(service: AlertService, alerts: Iterable[Alert], now: datetime) -> AlertListShape:
    """Return the JSON of some of the present alerts, with the counts of all."""
    shapes = [alert_shape(service, alert) for alert in alerts]
    present = service.state.alerts.values()
    firing = [alert for alert in present if alert.condition is not ConditionState.PENDING]
    return {
        "status": "success",
        "as_of": rfc3339(now),
        "alerts": shapes,
        "counts": {
            "firing": len(firing),
            "pending": len(present) - len(firing),
            "quiet": sum(alert.is_quiet for alert in firing),
            "unacknowledged": sum(alert.handling is Handling.UNACKNOWLEDGED and not alert.is_quiet for alert in firing),
        },
        "data": {"alerts": [prometheus_shape(shape) for shape in shapes if not shape["quiet"]]},
    }


def external_alert_shape(alert: ExternalAlert) -> ExternalAlertShape:
    """Return the JSON of what another system sent."""
    return {
        "name": dict.fromkeys(LANGUAGES, alert.name),
        "source": alert.source,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "link": alert.link,
    }
