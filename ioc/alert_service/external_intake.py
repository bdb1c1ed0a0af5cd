"""Take in alerts of other systems: begin, update, end and close them beside this centre's own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ioc.alert_service.alert_state import ENDED_EXTERNAL, EXTERNAL, AlertState, record
from ioc.alert_service.alertmanager_format import AlertUnfit, Sender, SentAlert, read_alert
from ioc.alert_service.external_alert import ExternalAlert
from ioc.alert_service.service import AlertService
from ioc.alerts.refusals import ActRefused, no_alert, require_person_and_reason
from ioc.clock import to_ms
from ioc.errors import BatchMalformed
from ioc.messages import Message
from ioc.model.alert import Transition, TransitionKind, alert_id
from ioc.store.alerting import ActionRow

MAX_PER_COMMIT = 1_000
MAX_OPEN = 5_000


@dataclass(frozen=True, slots=True)
class RejectedAlert:
    """An alert that was not accepted, by its index in the message."""

    index: int
    field: str
    reason: str
    message: str


@dataclass
class Receipt:
    """Result of a message: counts of alerts that began, ended, were updated or were known already.

    `no_room` counts alerts that the sender must send again later, because too many are open. `rejected` lists those
    that cannot be accepted.
    """

    began: int = 0
    ended: int = 0
    updated: int = 0
    known: int = 0
    no_room: int = 0
    rejected: list[RejectedAlert] = field(default_factory=list)


def receive(service: AlertService, source: str, message: Any) -> Receipt:
    """Apply the valid alerts of a message, MAX_PER_COMMIT in one transaction.

    Raises BatchMalformed when none of them can be read, and StoreUnavailable when the rest must be sent again; what
    was applied before then counts as known when it is sent again.
    """
    listed = message.get("alerts") if isinstance(message, Mapping) else None
    if not isinstance(listed, list):
        raise BatchMalformed(Message("alerts_not_listed"))
    receipt = Receipt()
    now_ms = to_ms(service.now())
    catalog = service.in_force.catalog
    sender = Sender(source, catalog.vocabulary.units, catalog.province.code)
    sent: list[SentAlert] = []
    for index, given in enumerate(listed):
        try:
            sent.append(read_alert(sender, given, now_ms))
        except AlertUnfit as fault:
            receipt.rejected.append(RejectedAlert(index, fault.field, fault.reason, fault.message))
    if listed and not sent:
        first = receipt.rejected[0]
        raise BatchMalformed(Message("no_alert_usable", count=len(listed), index=first.index, reason=first.message))
    for group in _transactions(sent):
        _apply(service, group, receipt)
    return receipt


def end_overdue(service: AlertService) -> None:
    """End the alerts whose given end has passed, or that were not sent again within the configured time.

    Raises StoreUnavailable.
    """
    with service.lock:
        now_ms, waits = service.act_ms(), service.in_force.alerting.resolve_after
        overdue = [
            alert
            for alert in service.state.external.values()
            if (end_ms := alert.end_ms(waits.get(alert.source))) is not None and end_ms <= now_ms
        ]
        if not overdue:
            return
        changes = _Changes(service.state)
        for alert in overdue:
            has_end = alert.ends_ms and alert.ends_ms <= now_ms
            why = "The end that it was sent with has passed." if has_end else f"{alert.source} has not sent it again."
            changes.end(alert, now_ms, why)
        changes.commit(service)


def close(service: AlertService, alerts: Sequence[str], by: str, why: str) -> None:
    """End alerts (ids) of other systems whose sender does not end them, all or none.

    An alert that is sent again with the same beginning stays closed. Raises ActRefused.
    """
    require_person_and_reason(by, why)
    with service.lock:
        changes, now_ms = _Changes(service.state), service.act_ms()
        rows = []
        for name in dict.fromkeys(alerts):
            alert = changes.external.get(name)
            if alert is None and service.alert(name) is not None:
                raise ActRefused("alerts", Message("close_own", given=name[:120]))
            if alert is None:
                raise no_alert("alerts", name)
            changes.end(alert, now_ms, f"{by}: {why}", is_closed=True)
            rows.append(ActionRow(service.now(), by, "close", alert.id, alert.rule, alert.unit, why))
        changes.commit(service, rows)


def _transactions(sent: Sequence[SentAlert]) -> Iterator[list[SentAlert]]:
    """Yield the alerts of one transaction each.

    An alert that occurs twice starts a new one, so that what ends and fires again within a message has ended between.
    """
    group: list[SentAlert] = []
    keys: set[str] = set()
    for one in sent:
        if len(group) == MAX_PER_COMMIT or one.alert.key in keys:
            yield group
            group, keys = [], set()
        group.append(one)
        keys.add(one.alert.key)
    if group:
        yield group


class _Changes:
    """The changes of one transaction to the alerts of other systems."""

    def __init__(self, state: AlertState) -> None:
        self.external = dict(state.external)
        self.ended = dict(state.ended_external)
        self.transitions: list[Transition] = []
        self.records: dict[tuple[str, str], bytes | None] = {}

    def update(self, alert: ExternalAlert) -> None:
        self.external[alert.id] = alert
        self.records[EXTERNAL, alert.id] = record(alert)

    def begin(self, alert: ExternalAlert, now_ms: int) -> None:
        self.update(alert)
        self.transitions.append(_transition(alert, TransitionKind.FIRING, now_ms, f"{alert.source} sent it."))

    def end(self, alert: ExternalAlert, now_ms: int, why: str, *, is_closed: bool = False) -> None:
        del self.external[alert.id]
        self.records[EXTERNAL, alert.id] = None
        self.remember_ended(replace(alert, is_closed=is_closed))
        self.transitions.append(_transition(alert, TransitionKind.RESOLVED, now_ms, why))

    def remember_ended(self, alert: ExternalAlert) -> None:
        self.ended[alert.id] = alert
        self.records[ENDED_EXTERNAL, alert.id] = record(alert)

    def commit(self, service: AlertService, acts: Sequence[ActionRow] = ()) -> None:
        if self.transitions or self.records:
            after = replace(service.state, external=self.external, ended_external=self.ended)
            service.commit(after, self.transitions, acts, self.records)


def _apply(service: AlertService, group: Sequence[SentAlert], receipt: Receipt) -> None:
    with service.lock:
        now_ms = service.act_ms()
        changes = _Changes(service.state)
        present = {alert.key: alert for alert in changes.external.values()}
        closed = {alert.key: alert for alert in changes.ended.values() if alert.is_closed}
        new = [one.alert for one in group if one.alert.key not in present and not one.has_ended]
        used_ids = service.store.known_alerts([alert.id for alert in new])
        for one in group:
            sent, before = one.alert, present.get(one.alert.key)
            closed_before = closed.get(sent.key)
            if before is not None:
                _apply_to_known(changes, one, before, now_ms, receipt)
            elif one.has_ended or (closed_before is not None and sent.onset_ms <= closed_before.onset_ms):
                # A person closed it: it stays closed until its sender ends it or it fires again.
                if one.has_ended and closed_before is not None:
                    changes.remember_ended(replace(closed_before, is_closed=False))
                receipt.known += 1
            elif len(changes.external) >= MAX_OPEN:
                receipt.no_room += 1
            else:
                if sent.id in used_ids:
                    sent = replace(sent, id=alert_id(sent.rule, sent.unit, now_ms), onset_ms=now_ms)
                changes.begin(sent, now_ms)
                receipt.began += 1
        changes.commit(service)


def _apply_to_known(changes: _Changes, one: SentAlert, before: ExternalAlert, now_ms: int, receipt: Receipt) -> None:
    """End or update an alert that fires already."""
    sent = one.alert
    if one.has_ended:
        why = f"{sent.source} says that it has ended."
        changes.end(replace(before, annotations=sent.annotations or before.annotations), now_ms, why)
        receipt.ended += 1
        return
    changed = _shown(sent) != _shown(before)
    changes.update(replace(sent, id=before.id, onset_ms=before.onset_ms, revision=before.revision + changed))
    receipt.updated += changed
    receipt.known += not changed


def _shown(alert: ExternalAlert) -> tuple[Any, ...]:
    return alert.labels, alert.annotations, alert.link


def _transition(alert: ExternalAlert, kind: TransitionKind, now_ms: int, reason: str) -> Transition:
    return Transition.of(kind, now_ms, alert.rule, alert.unit, alert.onset_ms, alert.severity, None, "", reason)
