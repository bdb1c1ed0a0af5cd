"""The text of a delivery, in the language of its receiver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ioc.alerts.grouping import Delivery
from ioc.model.alert import Alert, TransitionKind
from ioc.model.rule import Severity
from ioc.model.template import Template, filled

MOST_LINES = 20
"""A message lists so many alerts and counts the rest."""

_SEVERITIES = {
    "vi": {"critical": "Khẩn cấp", "high": "Cao", "medium": "Trung bình", "low": "Thấp"},
    "en": {"critical": "Critical", "high": "High", "medium": "Medium", "low": "Low"},
}
_STATES = {"vi": {True: "đã hết", False: "đang diễn ra"}, "en": {True: "ended", False: "ongoing"}}
_KINDS = {
    "vi": {
        "transitions": "Cảnh báo",
        "repeat": "Nhắc lại",
        "escalation": "Leo thang: chưa ai nhận",
        "deescalation": "Đã có người nhận",
    },
    "en": {
        "transitions": "Alert",
        "repeat": "Again",
        "escalation": "Escalation: nobody has acknowledged",
        "deescalation": "Somebody has it now",
    },
}
_MORE = {"vi": "… và {} cảnh báo nữa", "en": "… and {} more"}
_UNITS_OF_TIME = {"vi": ("ngày", "giờ", "phút"), "en": ("d", "h", "min")}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a message says of an alert beside its own record, in the receiver's language: of its rule, unit and KPI."""

    name: str
    unit: str
    unit_of_measure: str
    digits: int
    limit: str
    owner: str
    procedure: str
    link: str


@dataclass(frozen=True, slots=True)
class Setting:
    """Where the message comes from. `link` leads to the console."""

    province: str
    receiver: str
    language: str
    zone: ZoneInfo
    link: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class _Line:
    alert: str
    rule: str
    severity: Severity
    value: float | None
    since_ms: int
    ended: bool


def message(
    template: Template,
    delivery: Delivery,
    standing: Mapping[str, Alert],
    subjects: Mapping[tuple[str, str], Subject],
    setting: Setting,
) -> Message:
    """`subjects` by rule and unit; an alert without one is named by its rule. Rendered once, when the delivery is
    planned, so that every try sends the same."""
    language = setting.language
    lines = _lines(delivery, standing)
    ended = sum(line.ended for line in lines)
    gravest = min((line.severity for line in lines), key=lambda severity: severity.rank, default=Severity.LOW)
    whole = {
        "province": setting.province,
        "count": str(len(lines)),
        "firing": str(len(lines) - ended),
        "resolved": str(ended),
        "severity": _SEVERITIES[language][gravest],
        "kind": _KINDS[language][delivery.kind],
        "receiver": setting.receiver,
        "time": clock_text(delivery.at_ms, setting.zone),
        "link": setting.link,
    }
    body = [filled(template.opening[language], whole)] if template.opening.get(language) else []
    for line in lines[:MOST_LINES]:
        rule, unit = line.rule, line.alert.split("/")[1]
        subject = subjects.get((rule, unit)) or Subject(rule, unit, "", 1, "", "", "", "")
        body.append(filled(template.line[language], _of_line(line, subject, delivery.at_ms, setting)))
    if len(lines) > MOST_LINES:
        body.append(_MORE[language].format(len(lines) - MOST_LINES))
    if template.closing.get(language):
        body.append(filled(template.closing[language], whole))
    return Message(filled(template.subject[language], whole), "\n".join(body))


def number_text(value: float | None, digits: int, language: str) -> str:
    """1.234,5 in Vietnamese, 1,234.5 in English; a dash without a value."""
    if value is None:
        return "—"
    text = f"{value:,.{digits}f}"
    return text.translate(str.maketrans(",.", ".,")) if language == "vi" else text


def clock_text(at_ms: int, zone: ZoneInfo) -> str:
    """08:42 23/11/2026, in the province's zone."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).strftime("%H:%M %d/%m/%Y")


def duration_text(length_ms: int, language: str) -> str:
    """2 giờ 10 phút; the two greatest parts."""
    minutes = max(length_ms // 60_000, 0)
    parts = (minutes // 1440, minutes // 60 % 24, minutes % 60)
    named = [f"{part} {name}" for part, name in zip(parts, _UNITS_OF_TIME[language], strict=True) if part]
    return " ".join(named[:2]) or f"0 {_UNITS_OF_TIME[language][2]}"


def _lines(delivery: Delivery, standing: Mapping[str, Alert]) -> Sequence[_Line]:
    if delivery.transitions:
        return [
            _Line(one.alert, one.rule, one.severity, one.value, one.onset_ms, one.kind is TransitionKind.RESOLVED)
            for one in delivery.transitions
        ]
    alerts = [standing[alert] for alert in delivery.alerts if alert in standing]
    return [_Line(one.id, one.rule, one.severity, one.value, one.onset_ms, False) for one in alerts]


def _of_line(line: _Line, subject: Subject, now_ms: int, setting: Setting) -> dict[str, str]:
    language = setting.language
    return {
        "name": subject.name,
        "unit": subject.unit,
        "value": number_text(line.value, subject.digits, language),
        "unit_of_measure": subject.unit_of_measure,
        "limit": subject.limit,
        "severity": _SEVERITIES[language][line.severity],
        "state": _STATES[language][line.ended],
        "since": clock_text(line.since_ms, setting.zone),
        "duration": duration_text(now_ms - line.since_ms, language),
        "rule": line.rule,
        "owner": subject.owner,
        "procedure": subject.procedure,
        "link": subject.link,
    }
