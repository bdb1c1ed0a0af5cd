"""Render the text of a delivery in the language of its receiver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ioc.alerts.grouping import Delivery
from ioc.model.alert import Alert, Handling, TransitionKind
from ioc.model.number_text import number_text
from ioc.model.rule import SEVERITY_NAMES, Severity
from ioc.model.template import Template, filled

MAX_LINES = 20
"""A message lists at most this many alerts and counts the rest."""

_STATES = {
    "vi": {"ended": "đã hết", "ongoing": "đang diễn ra", "held": "đã có người nhận"},
    "en": {"ended": "ended", "ongoing": "ongoing", "held": "acknowledged"},
}
_KINDS = {
    "vi": {
        "transitions": "Cảnh báo",
        "repeat": "Nhắc lại",
        "escalation": "Leo thang: chưa ai nhận",
        "deescalation": "Đã có người nhận",
    },
    "en": {
        "transitions": "Alert",
        "repeat": "Reminder",
        "escalation": "Escalation: not acknowledged",
        "deescalation": "Acknowledged",
    },
}
_MORE = {"vi": "… và {} cảnh báo nữa", "en": "… and {} more"}
_LIMIT = {"vi": "ngưỡng", "en": "limit"}
_NOTHING = "—"
_UNITS_OF_TIME = {"vi": ("ngày", "giờ", "phút"), "en": ("d", "h", "min")}


@dataclass(frozen=True, slots=True)
class Subject:
    """Texts about an alert's rule, unit and KPI, in the receiver's language.

    `detail` replaces value and limit for an alert of another system.
    """

    name: str
    unit: str
    unit_of_measure: str = ""
    digits: int = 1
    limit: str = ""
    owner: str = ""
    procedure: str = ""
    link: str = ""
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class MessageContext:
    """Sender, receiver and language of a message. `link` leads to the console."""

    province: str
    receiver: str
    language: str
    zone: ZoneInfo
    link: str = ""


@dataclass(frozen=True, slots=True)
class MessageText:
    """Subject and body of a message."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class _Line:
    alert: str
    rule: str
    severity: Severity
    value: float | None
    since_ms: int
    ended_ms: int | None = None
    is_acknowledged: bool = False


def render_message(
    template: Template,
    delivery: Delivery,
    active: Mapping[str, Alert],
    subjects: Mapping[tuple[str, str], Subject],
    setting: MessageContext,
) -> MessageText:
    """Render a delivery's text, once, when it is planned, so that every try sends the same.

    `active` are the alerts of now by id; `subjects` by (rule, unit): an alert without one is named by its rule.
    """
    language = setting.language
    lines = _lines(delivery, active)
    ended = sum(line.ended_ms is not None for line in lines)
    severity = min((line.severity for line in lines), key=lambda severity: severity.rank, default=Severity.LOW)
    fields = {
        "province": setting.province,
        "count": str(len(lines)),
        "firing": str(len(lines) - ended),
        "resolved": str(ended),
        "severity": SEVERITY_NAMES[language][severity],
        "kind": _KINDS[language][delivery.kind],
        "receiver": setting.receiver,
        "time": clock_text(delivery.at_ms, setting.zone),
        "link": setting.link,
    }
    body = [filled(template.opening[language], fields)] if template.opening.get(language) else []
    for line in lines[:MAX_LINES]:
        rule, unit = line.rule, line.alert.rsplit("/", 2)[1]
        subject = subjects.get((rule, unit)) or Subject(rule, unit)
        body.append(filled(template.line[language], _line_fields(line, subject, delivery.at_ms, setting)))
    if len(lines) > MAX_LINES:
        body.append(_MORE[language].format(len(lines) - MAX_LINES))
    if template.closing.get(language):
        body.append(filled(template.closing[language], fields))
    return MessageText(filled(template.subject[language], fields), "\n".join(body))


def clock_text(at_ms: int, zone: ZoneInfo) -> str:
    """Return a time such as 08:42 23/11/2026, in the province's zone."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).strftime("%H:%M %d/%m/%Y")


def duration_text(length_ms: int, language: str) -> str:
    """Return a duration by its two greatest parts, such as 2 giờ 10 phút."""
    minutes = max(length_ms // 60_000, 0)
    parts = (minutes // 1440, minutes // 60 % 24, minutes % 60)
    named = [f"{part} {name}" for part, name in zip(parts, _UNITS_OF_TIME[language], strict=True) if part]
    return " ".join(named[:2]) or f"0 {_UNITS_OF_TIME[language][2]}"


def _lines(delivery: Delivery, active: Mapping[str, Alert]) -> Sequence[_Line]:
    """Return one line per alert, in the order of the delivery: by its last transition, else by its present state."""
    last = {one.alert: one for one in delivery.transitions}
    lines = []
    for name in delivery.alerts:
        one, alert = last.get(name), active.get(name)
        if one is not None:
            ended_ms = one.at_ms if one.kind is TransitionKind.RESOLVED else None
            lines.append(_Line(one.alert, one.rule, one.severity, one.value, one.onset_ms, ended_ms))
        elif alert is not None:
            acknowledged = alert.handling is Handling.ACKNOWLEDGED
            lines.append(_Line(alert.id, alert.rule, alert.severity, alert.value, alert.onset_ms, None, acknowledged))
    return lines


def _line_fields(line: _Line, subject: Subject, now_ms: int, setting: MessageContext) -> dict[str, str]:
    language = setting.language
    value = number_text(line.value, subject.digits, language)
    return {
        "name": subject.name,
        "unit": subject.unit,
        "value": value,
        "unit_of_measure": subject.unit_of_measure,
        "limit": subject.limit or _NOTHING,
        "detail": _measured(value, subject, language) if subject.detail is None else subject.detail or _NOTHING,
        "severity": SEVERITY_NAMES[language][line.severity],
        "state": _STATES[language][
            "ended" if line.ended_ms is not None else "held" if line.is_acknowledged else "ongoing"
        ],
        "since": clock_text(line.since_ms, setting.zone),
        "duration": duration_text((now_ms if line.ended_ms is None else line.ended_ms) - line.since_ms, language),
        "rule": line.rule,
        "owner": subject.owner or _NOTHING,
        "procedure": subject.procedure or _NOTHING,
        "link": subject.link,
    }


def _measured(value: str, subject: Subject, language: str) -> str:
    """Return value and limit, such as 31,5 µg/m³ (ngưỡng > 45)."""
    limit = f" ({_LIMIT[language]} {subject.limit})" if subject.limit else ""
    return f"{value} {subject.unit_of_measure}".strip() + limit
