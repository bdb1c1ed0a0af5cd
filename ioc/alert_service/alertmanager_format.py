"""Read alerts in Alertmanager's version-4 webhook format, as Prometheus and Grafana send them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from ioc.alert_service.external_alert import ExternalAlert
from ioc.clock import to_ms
from ioc.messages import Message
from ioc.model.alert import alert_id
from ioc.model.matcher import LABEL_NAME
from ioc.model.rule import Severity

MAX_TEXTS = 60
MAX_LABEL_LENGTH = 1_000
MAX_ANNOTATION_LENGTH = 4_000
_MAX_LINK_LENGTH = 2_000
_SEVERITIES = {
    "critical": Severity.CRITICAL,
    "page": Severity.CRITICAL,
    "error": Severity.HIGH,
    "high": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "medium": Severity.MEDIUM,
    "info": Severity.LOW,
    "low": Severity.LOW,
}
_GO_ZERO_TIME = "0001-01-01"


class AlertUnfit(ValueError):
    """One alert of a message cannot be accepted.

    `field` says where the fault is, `reason` is its code, the message is one sentence.
    """

    def __init__(self, field: str, reason: str, message: Message) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SentAlert:
    """An alert as it was sent, and whether its sender says that it has ended."""

    alert: ExternalAlert
    has_ended: bool


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a message, and the units of this centre; an unknown unit becomes `province`."""

    source: str
    units: Mapping[str, object]
    province: str


def read_alert(sender: Sender, given: Any, now_ms: int) -> SentAlert:
    """Read one entry of a message's `alerts`. Raises AlertUnfit."""
    if not isinstance(given, Mapping):
        raise AlertUnfit("", "not_an_object", Message("not_an_object"))
    labels = _texts(given, "labels", MAX_LABEL_LENGTH)
    if not labels.get("alertname"):
        raise AlertUnfit("labels.alertname", "missing", Message("alertname_missing"))
    source = sender.source
    name = re.sub(r"[^a-z0-9_.-]+", "-", labels["alertname"].lower())[:60].strip("-") or "alert"
    unit = labels.get("unit", "")
    unit = unit if unit in sender.units else sender.province
    severity = _SEVERITIES.get(labels.get("severity", "").lower(), Severity.MEDIUM)
    key = sha256("\n".join([source, *(f"{k}={v}" for k, v in sorted(labels.items()))]).encode()).hexdigest()[:16]
    starts_ms, ends_ms = _time_ms(given, "startsAt"), _time_ms(given, "endsAt")
    onset_ms = now_ms if starts_ms is None else min(starts_ms, now_ms)
    own_labels = {"rule": f"{source}.{name}", "unit": unit, "severity": severity.value, "source": source}
    # Two alerts with the same name and unit differ by their labels, so the rule carries the key.
    rule = f"{source}.{name}.{key[:8]}"
    has_ended = given.get("status") == "resolved" or (ends_ms is not None and ends_ms <= now_ms)
    alert = ExternalAlert(
        id=alert_id(rule, unit, onset_ms),
        key=key,
        source=source,
        rule=rule,
        unit=unit,
        severity=severity,
        labels=_merged_labels(labels, own_labels),
        annotations=_texts(given, "annotations", MAX_ANNOTATION_LENGTH),
        onset_ms=onset_ms,
        link=_link(given.get("generatorURL")),
        seen_ms=now_ms,
        ends_ms=ends_ms or 0,
    )
    return SentAlert(alert, has_ended)


def _merged_labels(sent: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Merge labels; a sent one that collides is kept as `exported_…`, as Prometheus does.

    A name that is not a label name is left out: no matcher could select it.
    """
    valid = {name: value for name, value in sent.items() if LABEL_NAME.match(name)}
    exported = {f"exported_{name}": valid[name] for name in own if name in valid and valid[name] != own[name]}
    return {**valid, **exported, **own}


def _link(given: Any) -> str:
    """Return a web address, which pages turn into a link; empty for anything else."""
    text = given if isinstance(given, str) else ""
    return text[:_MAX_LINK_LENGTH] if text.startswith(("http://", "https://")) else ""


def _texts(given: Mapping[str, Any], field: str, max_length: int) -> dict[str, str]:
    """Return the texts of an object; longer ones are cut and then end with …. Raises AlertUnfit."""
    found = given.get(field) or {}
    if not isinstance(found, Mapping) or len(found) > MAX_TEXTS:
        raise AlertUnfit(field, "not_texts", Message("not_texts", field=field, max=MAX_TEXTS))
    texts = {str(name)[:100]: str(value) for name, value in found.items()}
    return {name: text if len(text) <= max_length else text[: max_length - 1] + "…" for name, text in texts.items()}


def _time_ms(given: Mapping[str, Any], field: str) -> int | None:
    """Return milliseconds; None without a time or for Go's zero time. Raises AlertUnfit."""
    text = given.get(field)
    if not text or str(text).startswith(_GO_ZERO_TIME):
        return None
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", str(text)))
        return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise AlertUnfit(field, "not_a_time", Message("not_a_time", field=field, given=str(text)[:40])) from None
