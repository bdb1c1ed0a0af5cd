"""Alerts of other systems (Prometheus, Grafana), in Alertmanager's version-4 format: they live beside ours."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from ioc.alert_service.alert_state import ENDED, INCOMING, Standing, record
from ioc.alert_service.external_alert import Incoming
from ioc.alert_service.service import Desk
from ioc.alerts.actions import ActRefused, no_alert, told
from ioc.clock import to_ms
from ioc.errors import BatchMalformed
from ioc.model.alert import Transition, TransitionKind, alert_id
from ioc.model.matcher import LABEL_NAME
from ioc.model.rule import Severity
from ioc.store.alerting import ActRow

MAX_PER_COMMIT = 1_000
MAX_OPEN = 5_000
MAX_TEXTS = 60
MAX_LABEL_LENGTH = 1_000
MAX_ANNOTATION_LENGTH = 4_000
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


class AlertUnfit(ValueError):
    """One alert of a message cannot be taken. `field` is where, `reason` a code, the message one sentence."""

    def __init__(self, field: str, reason: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Unfit:
    """An alert that was not taken, by its index in the message."""

    index: int
    field: str
    reason: str
    message: str


@dataclass
class Receipt:
    """Result of a message: how many alerts began, ended, changed what they say, and were known already; those that
    were not taken; and `no_room` for the number that must be sent again later, since too many are open."""

    began: int = 0
    ended: int = 0
    updated: int = 0
    known: int = 0
    no_room: int = 0
    rejected: list[Unfit] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Read:
    """An alert as it was sent, and whether it says that it has ended."""

    alert: Incoming
    has_ended: bool


def receive(desk: Desk, source: str, message: Any) -> Receipt:
    """Take in what fits of a message, MAX_PER_COMMIT alerts in a transaction. Raises BatchMalformed when nothing could
    be read, StoreUnavailable when the rest must be sent again; what was taken before then is known when it comes
    again."""
    listed = message.get("alerts") if isinstance(message, Mapping) else None
    if not isinstance(listed, list):
        raise BatchMalformed("The field alerts is not a list of alerts; send what Alertmanager's webhook sends.")
    receipt = Receipt()
    now_ms = to_ms(desk.now())
    read: list[Read] = []
    for index, given in enumerate(listed):
        try:
            read.append(_read(desk, source, given, now_ms))
        except AlertUnfit as fault:
            receipt.rejected.append(Unfit(index, fault.field, fault.reason, str(fault)))
    if listed and not read:
        first = receipt.rejected[0]
        raise BatchMalformed(f"None of the {len(listed)} alerts can be used; alerts[{first.index}]: {first.message}")
    for part in _parts(read):
        _take(desk, part, receipt)
    return receipt


def _parts(read: Sequence[Read]) -> Iterator[list[Read]]:
    """Parts of one transaction each. An alert that comes twice starts a new one, so that what ends and fires again
    within a message has ended in between."""
    part: list[Read] = []
    keys: set[str] = set()
    for one in read:
        if len(part) == MAX_PER_COMMIT or one.alert.key in keys:
            yield part
            part, keys = [], set()
        part.append(one)
        keys.add(one.alert.key)
    if part:
        yield part


class _Draft:
    """The changes of one transaction."""

    def __init__(self, standing: Standing) -> None:
        self.incoming = dict(standing.incoming)
        self.ended = dict(standing.ended)
        self.transitions: list[Transition] = []
        self.records: dict[tuple[str, str], bytes | None] = {}

    def keep(self, one: Incoming) -> None:
        self.incoming[one.id] = one
        self.records[INCOMING, one.id] = record(one)

    def begin(self, one: Incoming, now_ms: int) -> None:
        self.keep(one)
        self.transitions.append(_moved(one, TransitionKind.FIRING, now_ms, f"{one.source} sent it."))

    def end(self, one: Incoming, now_ms: int, why: str, *, is_closed: bool = False) -> None:
        del self.incoming[one.id]
        self.records[INCOMING, one.id] = None
        self.remember(replace(one, is_closed=is_closed))
        self.transitions.append(_moved(one, TransitionKind.RESOLVED, now_ms, why))

    def remember(self, one: Incoming) -> None:
        """As ended."""
        self.ended[one.id] = one
        self.records[ENDED, one.id] = record(one)

    def commit(self, desk: Desk, acts: Sequence[ActRow] = ()) -> None:
        if self.transitions or self.records:
            after = replace(desk.standing, incoming=self.incoming, ended=self.ended)
            desk.commit(after, self.transitions, acts, self.records)


def _take(desk: Desk, part: Sequence[Read], receipt: Receipt) -> None:
    with desk.lock:
        now_ms = desk.act_ms()
        draft = _Draft(desk.standing)
        present = {one.key: one for one in draft.incoming.values()}
        closed = {one.key: one for one in draft.ended.values() if one.is_closed}
        new = [one.alert for one in part if one.alert.key not in present and not one.has_ended]
        used = desk.store.known_alerts([one.id for one in new])
        for one in part:
            sent, before = one.alert, present.get(one.alert.key)
            shut = closed.get(sent.key)
            if one.has_ended and before is not None:
                draft.end(replace(before, annotations=sent.annotations or before.annotations), now_ms, _said(sent))
                receipt.ended += 1
            elif before is not None:
                changed = _shown(sent) != _shown(before)
                after = replace(sent, id=before.id, onset_ms=before.onset_ms, revision=before.revision + changed)
                draft.keep(after)
                receipt.updated += changed
                receipt.known += not changed
            elif one.has_ended or (shut is not None and sent.onset_ms <= shut.onset_ms):
                # A person closed it: it stays so until its sender ends it or it fires again.
                if one.has_ended and shut is not None:
                    draft.remember(replace(shut, is_closed=False))
                receipt.known += 1
            elif len(draft.incoming) >= MAX_OPEN:
                receipt.no_room += 1
            else:
                if sent.id in used:
                    sent = replace(sent, id=alert_id(sent.rule, sent.unit, now_ms), onset_ms=now_ms)
                draft.begin(sent, now_ms)
                receipt.began += 1
        draft.commit(desk)


def end_overdue(desk: Desk) -> None:
    """End the alerts whose sender gave an end that has passed, or has not sent them again for the time that is set for
    it. Raises StoreUnavailable."""
    with desk.lock:
        now_ms, waits = desk.act_ms(), desk.in_force.alerting.resolve_after
        overdue = [
            one
            for one in desk.standing.incoming.values()
            if (end_ms := one.end_ms(waits.get(one.source))) is not None and end_ms <= now_ms
        ]
        if not overdue:
            return
        draft = _Draft(desk.standing)
        for one in overdue:
            has_end = one.ends_ms and one.ends_ms <= now_ms
            why = "The end that it was sent with has passed." if has_end else f"{one.source} has not sent it again."
            draft.end(one, now_ms, why)
        draft.commit(desk)


def close(desk: Desk, alerts: Sequence[str], by: str, why: str) -> None:
    """End alerts of other systems whose sender will not do it, all of them or none. What is sent again with the same
    beginning stays closed. Raises ActRefused."""
    told(by, why)
    with desk.lock:
        draft, now_ms = _Draft(desk.standing), desk.act_ms()
        rows = []
        for name in dict.fromkeys(alerts):
            one = draft.incoming.get(name)
            if one is None and desk.named(name) is not None:
                message = f"{name[:120]} is an alert of the centre itself; it ends when its data say so."
                raise ActRefused("alerts", message, "close_own", given=name[:120])
            if one is None:
                raise no_alert("alerts", name)
            draft.end(one, now_ms, f"{by}: {why}", is_closed=True)
            rows.append(ActRow(desk.now(), by, "close", one.id, one.rule, one.unit, why))
        draft.commit(desk, rows)


def _shown(one: Incoming) -> tuple[Any, ...]:
    return one.labels, one.annotations, one.link


def _said(one: Incoming) -> str:
    return f"{one.source} says that it has ended."


def _moved(one: Incoming, kind: TransitionKind, now_ms: int, reason: str) -> Transition:
    return Transition.of(kind, now_ms, one.rule, one.unit, one.onset_ms, one.severity, None, "", reason)


def _read(desk: Desk, source: str, given: Any, now_ms: int) -> Read:
    """Read one alert of a message. Raises AlertUnfit."""
    if not isinstance(given, Mapping):
        raise AlertUnfit("", "not_an_object", "It is not an object.")
    labels = _texts(given, "labels", MAX_LABEL_LENGTH)
    if not labels.get("alertname"):
        raise AlertUnfit("labels.alertname", "missing", "The label alertname is missing; it names the alert.")
    name = re.sub(r"[^a-z0-9_.-]+", "-", labels["alertname"].lower())[:60].strip("-") or "alert"
    units = desk.in_force.catalog.vocabulary.units
    unit = labels.get("unit", "")
    unit = unit if unit in units else desk.in_force.catalog.province.code
    severity = _SEVERITIES.get(labels.get("severity", "").lower(), Severity.MEDIUM)
    key = sha256("\n".join([source, *(f"{k}={v}" for k, v in sorted(labels.items()))]).encode()).hexdigest()[:16]
    starts_ms, ends_ms = _time(given, "startsAt"), _time(given, "endsAt")
    onset_ms = now_ms if starts_ms is None else min(starts_ms, now_ms)
    ours = {"rule": f"{source}.{name}", "unit": unit, "severity": severity.value, "source": source}
    # Two alerts of one name and unit are told apart by their labels, so the rule carries the key.
    rule = f"{source}.{name}.{key[:8]}"
    has_ended = given.get("status") == "resolved" or (ends_ms is not None and ends_ms <= now_ms)
    made = Incoming(
        id=alert_id(rule, unit, onset_ms),
        key=key,
        source=source,
        rule=rule,
        unit=unit,
        severity=severity,
        labels=_merged(labels, ours),
        annotations=_texts(given, "annotations", MAX_ANNOTATION_LENGTH),
        onset_ms=onset_ms,
        link=_link(given.get("generatorURL")),
        seen_ms=now_ms,
        ends_ms=ends_ms or 0,
    )
    return Read(made, has_ended)


def _merged(sent: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str]:
    """Sent labels with ours over them; a sent one that says something else is kept as `exported_…`, as Prometheus does
    with labels that collide. Names that are not label names cannot be matched and are left out."""
    kept = {name: value for name, value in sent.items() if LABEL_NAME.match(name)}
    exported = {f"exported_{name}": kept[name] for name in ours if name in kept and kept[name] != ours[name]}
    return {**kept, **exported, **ours}


def _link(given: Any) -> str:
    """Empty for anything but a web address: pages make a link of it."""
    text = given if isinstance(given, str) else ""
    return text[:2_000] if text.startswith(("http://", "https://")) else ""


def _texts(given: Mapping[str, Any], field: str, longest: int) -> dict[str, str]:
    """Longer texts are cut, and end with … then."""
    found = given.get(field) or {}
    if not isinstance(found, Mapping) or len(found) > MAX_TEXTS:
        raise AlertUnfit(field, "not_texts", f"{field} is not an object of at most {MAX_TEXTS} texts.")
    texts = {str(name)[:100]: str(value) for name, value in found.items()}
    return {name: text if len(text) <= longest else text[: longest - 1] + "…" for name, text in texts.items()}


def _time(given: Mapping[str, Any], field: str) -> int | None:
    """Milliseconds; None where no time is given, as Go's zero time."""
    text = given.get(field)
    if not text or str(text).startswith(_NEVER):
        return None
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", str(text)))
        return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise AlertUnfit(
            field, "not_a_time", f"{field} is {str(text)[:40]!r}, which is not an RFC 3339 time."
        ) from None
