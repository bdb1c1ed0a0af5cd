"""Alerts of other systems (Prometheus, Grafana), in Alertmanager's version-4 format: they live beside ours."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from ioc.clock import to_ms
from ioc.desk.desk import Desk
from ioc.desk.standing import INCOMING, Incoming, record
from ioc.errors import BatchMalformed
from ioc.model.alert import Transition, TransitionKind, alert_id
from ioc.model.matcher import LABEL_NAME
from ioc.model.rule import Severity

MOST_AT_ONCE = 1_000
MOST_KEPT = 5_000
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
_NEVER = "0001-01-01"


@dataclass(frozen=True, slots=True)
class Taken:
    """How many began, ended, and were known as they are."""

    began: int
    ended: int
    known: int


def receive(desk: Desk, source: str, message: Any) -> Taken:
    """Take a message in. Raises BatchMalformed with the place at fault; then nothing of it is taken."""
    listed = message.get("alerts") if isinstance(message, Mapping) else None
    if not isinstance(listed, list) or len(listed) > MOST_AT_ONCE:
        raise BatchMalformed(f"alerts is not a list of at most {MOST_AT_ONCE} alerts, as Alertmanager sends them.")
    with desk.lock:
        now_ms = desk.act_ms()
        read = [_read(desk, source, one, place, now_ms) for place, one in enumerate(listed)]
        standing = desk.standing
        present = dict(standing.incoming)
        by_key = {one.key: one for one in present.values()}
        transitions: list[Transition] = []
        records: dict[tuple[str, str], bytes | None] = {}
        known = 0
        for one, ended in read:
            before = by_key.get(one.key)
            if ended == (before is None):
                known += 1
            elif before is None:
                present[one.id] = by_key[one.key] = one
                records[INCOMING, one.id] = record(one)
                transitions.append(_moved(one, TransitionKind.FIRING, now_ms))
            else:
                del present[before.id], by_key[before.key]
                records[INCOMING, before.id] = None
                transitions.append(_moved(before, TransitionKind.RESOLVED, now_ms))
        if len(present) > MOST_KEPT:
            raise BatchMalformed(f"More than {MOST_KEPT} alerts of other systems are open; let some end first.")
        if transitions:
            desk.commit(replace(standing, incoming=present), transitions, records=records)
    ended_now = sum(one.kind is TransitionKind.RESOLVED for one in transitions)
    return Taken(len(transitions) - ended_now, ended_now, known)


def _moved(one: Incoming, kind: TransitionKind, now_ms: int) -> Transition:
    reason = f"{one.source} sent it." if kind is TransitionKind.FIRING else f"{one.source} says that it has ended."
    return Transition.of(kind, now_ms, one.rule, one.unit, one.onset_ms, one.severity, None, "", reason)


def _read(desk: Desk, source: str, given: Any, place: int, now_ms: int) -> tuple[Incoming, bool]:
    """An alert, and whether it says that it has ended."""
    if not isinstance(given, Mapping):
        raise BatchMalformed(f"alerts[{place}] is not an object.")
    labels = _texts(given, "labels", place)
    if not labels.get("alertname"):
        raise BatchMalformed(f"alerts[{place}].labels.alertname is missing.")
    name = re.sub(r"[^a-z0-9_.-]+", "-", labels["alertname"].lower())[:60].strip("-") or "alert"
    rule = f"{source}.{name}"
    units = desk.in_force.catalog.vocabulary.units
    unit = labels.get("unit", "")
    unit = unit if unit in units else desk.in_force.catalog.province.code
    severity = _SEVERITIES.get(labels.get("severity", "").lower(), Severity.MEDIUM)
    key = sha256("\n".join([source, *(f"{k}={v}" for k, v in sorted(labels.items()))]).encode()).hexdigest()[:16]
    onset_ms = min(_time(given.get("startsAt"), place, now_ms), now_ms)
    own = {name: value for name, value in labels.items() if LABEL_NAME.match(name) and name not in ("rule", "unit")} | {
        "rule": rule,
        "unit": unit,
        "severity": severity.value,
        "source": source,
    }
    # Two alerts of one name and unit are told apart by their labels, so the rule carries the key.
    rule = f"{rule}.{key[:8]}"
    ends = str(given.get("endsAt") or _NEVER)
    over = not ends.startswith(_NEVER) and _time(ends, place, now_ms) <= now_ms
    ended = given.get("status") == "resolved" or over
    link = str(given.get("generatorURL") or "")[:1000]
    annotations = _texts(given, "annotations", place)
    made = Incoming(alert_id(rule, unit, onset_ms), key, source, rule, unit, severity, own, annotations, onset_ms, link)
    return made, ended


def _texts(given: Mapping[str, Any], field: str, place: int) -> dict[str, str]:
    found = given.get(field) or {}
    if not isinstance(found, Mapping) or len(found) > 60:
        raise BatchMalformed(f"alerts[{place}].{field} is not an object of at most 60 texts.")
    return {str(name)[:100]: str(value)[:1000] for name, value in found.items()}


def _time(text: Any, place: int, otherwise: int) -> int:
    if not text:
        return otherwise
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", str(text)))
    except ValueError:
        raise BatchMalformed(f"alerts[{place}] has a time {str(text)[:40]!r} that is no RFC 3339 time.") from None
    return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
