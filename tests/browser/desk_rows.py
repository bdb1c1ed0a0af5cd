"""Alerts, rules, incidents and silences in the centre's format: the rows of the fake desk."""

from datetime import datetime, timedelta
from typing import Any

from ioc.alert_service.rule_store import rule_text
from tests.browser import province
from tests.browser.province import Json

NAMES = {
    "viewer": "Vũ Xem",
    "operator": "Phạm Dũng",
    "analyst": "Lê Phân Tích",
    "admin": "Hồ Quản Trị",
    "lan": "Nguyễn Lân",
}
"""Full names by account."""

RULE: Json = {
    "id": "lgsp-latency",
    "name": {"vi": "Luật lgsp-latency", "en": "Rule lgsp-latency"},
    "kpi": "lgsp.latency_p95",
    "fires_above": 840,
    "clears_below": 825,
    "severity": "high",
    "owner": "IOC",
    "procedure": "integration",
}
RULE_TEXT = rule_text(RULE)
PROCEDURE: Json = {
    "id": "integration",
    "name": {"vi": "lỗi nền tảng tích hợp", "en": "faults of the integration platform"},
    "steps": [
        {"id": "look", "text": {"vi": "Xem dịch vụ lỗi nhiều nhất", "en": "See which service fails most"}},
        {"id": "call", "text": {"vi": "Gọi đơn vị vận hành", "en": "Call who runs it"}},
    ],
    "basis": "",
}


def incident_row(title: str, alerts: list[str], now: datetime, by: str) -> Json:
    opened = {"at": province.rfc3339(now), "by": by, "act": "opened", "of": "", "text": title}
    return {
        "id": "S-2026-0001",
        "title": title,
        "severity": "high",
        "opened_at": province.rfc3339(now),
        "opened_by": by,
        "alerts": alerts,
        "assignee": "",
        "procedures": {"integration": {"procedure": PROCEDURE, "ticks": {}, "done": 0, "steps": 2}},
        "attachments": [],
        "timeline": [opened],
        "closed_at": None,
        "closing_reason": None,
    }


def rule_row(fields: Json, firing: int) -> Json:
    return {
        "id": fields["id"],
        "name": fields["name"],
        "sector": "integration",
        "kpi": fields.get("kpi", ""),
        "severity": fields["severity"],
        "owner": fields.get("owner", ""),
        "procedure": fields.get("procedure", ""),
        "version": "v0",
        "fields": fields,
        "text": rule_text(fields),
        "units": 1,
        "firing": firing,
        "out_of_service": None,
    }


def alert_row(name: str, severity: int, unit: str, vi: str, since: datetime, **other: Any) -> Json:
    rule = other.get("rule", name)
    base: Json = {
        "id": f"{rule}/{unit}/{int(since.timestamp() * 1000)}",
        "rule": rule,
        "severity": severity,
        "kpi": "lgsp.latency_p95",
        "unit": unit,
        "name": {"vi": vi, "en": f"Alert {name}"},
        "since": province.rfc3339(since),
        "holder": "",
        "state": "firing",
        "handling": "unacknowledged",
        "handled": "",
        "quiet": False,
        "suppression": [],
        "value": 842.0,
        "unit_of_measure": "ms",
        "digits": 0,
        "limit": "> 840",
        "procedure": "integration",
        "matchers": [f'rule="{rule}"', f'unit="{unit}"'],
        "labels": {"rule": rule, "unit": unit, "severity": ("critical", "high", "medium", "low")[severity - 1]},
    }
    return base | other


def silence_row(name: str, matchers: list[str], now: datetime, **other: Any) -> Json:
    return {
        "id": name,
        "matchers": matchers,
        "from": province.rfc3339(now),
        "until": province.rfc3339(now + timedelta(hours=1)),
        "by": "Phạm Dũng",
        "why": "Bảo trì",
        "ends_on_resolve": False,
        "state": "holds",
        "alerts": [],
        "ended_at": None,
        "ended_by": "",
    } | other


def fired_row(alert: str, severity: str, fired_at: datetime, **other: Any) -> Json:
    """Return a row of the alert history; `alert` is rule/unit/onset."""
    rule, unit, _ = alert.split("/")
    onset = province.rfc3339(fired_at)
    base = {"alert": alert, "rule": rule, "unit": unit, "severity": severity, "onset_at": onset, "fired_at": onset}
    return base | {"ended_at": None, "value_at_firing": 1.0, "acknowledged_at": None, "acknowledged_by": None} | other
