"""What people do about alerts. Each action is recorded with its person in the transaction that applies it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ioc.alert_service.service import AlertService
from ioc.alerts import engine, handling, silences
from ioc.alerts.handling import HandlingState, Shelving
from ioc.alerts.refusals import ActRefused, no_alert, no_rule
from ioc.alerts.silences import Silence
from ioc.clock import from_ms, to_ms
from ioc.messages import Message
from ioc.model.alert import Alert, Handling
from ioc.model.matcher import Matchers
from ioc.store.alerting import ActionRow

MAX_COMMENT_LENGTH = 4_000
MAX_ALERTS_AT_ONCE = 5_000


def acknowledge(service: AlertService, alerts: Sequence[str], by: str, note: str) -> None:
    """Acknowledge alerts (ids), all or none. Raises ActRefused, which names the alert at fault."""
    with service.lock:
        found, at_ms = _known(service, alerts), service.act_ms()
        after = handling.acknowledge(service.state.handling, [alert.id for alert in found], by, at_ms, note)
        _commit(service, after, "acknowledge", found, by, note)


def unacknowledge(service: AlertService, alerts: Sequence[str], by: str, note: str) -> None:
    """Take back acknowledgements, all or none. Raises ActRefused."""
    with service.lock:
        found = _known(service, alerts)
        after = handling.unacknowledge(service.state.handling, [alert.id for alert in found])
        _commit(service, after, "unacknowledge", found, by, note)


def shelve(
    service: AlertService, alerts: Sequence[str], until_ms: int, by: str, why: str, ends_on_resolve: bool
) -> None:
    """Keep the alerts of these alerts' rules and units quiet for a time, all or none. Raises ActRefused."""
    with service.lock:
        found, at_ms = _known(service, alerts), service.act_ms()
        _require_future(service, until_ms)
        shelvings = [
            Shelving(
                service.new_id(), Handling.SHELVED, alert.rule, alert.unit, at_ms, until_ms, by, why, ends_on_resolve
            )
            for alert in found
        ]
        _commit(service, handling.shelve(service.state.handling, *shelvings), "shelve", found, by, why)


def unshelve(service: AlertService, alerts: Sequence[str], by: str, note: str) -> None:
    """End shelvings, all or none. Raises ActRefused when an alert is not shelved."""
    with service.lock:
        found, before, at_ms = _known(service, alerts), service.state.handling, service.act_ms()
        active: dict[tuple[str, str], list[str]] = {}
        for shelving in before.shelvings:
            if shelving.unit and shelving.holds_at(at_ms):
                active.setdefault((shelving.rule, shelving.unit), []).append(shelving.id)
        for alert in found:
            if (alert.rule, alert.unit) not in active:
                raise ActRefused("alerts", Message("not_shelved", given=alert.id))
        ended = {name for alert in found for name in active[alert.rule, alert.unit]}
        _commit(service, handling.unshelve(before, ended, by, at_ms), "unshelve", found, by, note)


def out_of_service(service: AlertService, rule: str, until_ms: int, by: str, why: str) -> Shelving:
    """Keep all alerts of a rule quiet for a time. Raises ActRefused."""
    with service.lock:
        if rule not in service.in_force.rules.rules:
            raise no_rule(rule)
        _require_future(service, until_ms)
        shelving = Shelving(service.new_id(), Handling.OUT_OF_SERVICE, rule, "", service.act_ms(), until_ms, by, why)
        after = handling.shelve(service.state.handling, shelving)
        row = ActionRow(service.now(), by, "out_of_service", "", rule, "", why)
        service.commit(replace(service.state, handling=after), acts=[row])
        return shelving


def in_service(service: AlertService, rule: str, by: str) -> None:
    """Put a rule back in service. Raises ActRefused when it is in service."""
    with service.lock:
        before, at_ms = service.state.handling, service.act_ms()
        active = {
            shelving.id
            for shelving in before.shelvings
            if (shelving.rule, shelving.unit) == (rule, "") and shelving.holds_at(at_ms)
        }
        if not active:
            raise ActRefused("rule", Message("in_service", given=rule))
        after = handling.unshelve(before, active, by, at_ms)
        row = ActionRow(service.now(), by, "in_service", "", rule, "", "")
        service.commit(replace(service.state, handling=after), acts=[row])


def comment(service: AlertService, alerts: Sequence[str], by: str, text: str) -> None:
    """Comment on alerts (ids), also on those that have ended. Raises ActRefused."""
    if not text.strip() or len(text) > MAX_COMMENT_LENGTH:
        raise ActRefused("text", Message("comment_length", most=MAX_COMMENT_LENGTH))
    rows = []
    for alert in _distinct(alerts):
        rule, unit = _rule_and_unit(alert)
        rows.append(ActionRow(service.now(), by, "comment", alert, rule, unit, text.strip()))
    with service.lock:
        service.commit(service.state, acts=rows)


@dataclass(frozen=True)
class SilenceRequest:
    """A silence to be made; it begins now when `from_ms` is None or past."""

    matchers: Matchers
    from_ms: int | None
    until_ms: int
    by: str
    why: str
    ends_on_resolve: bool = False


def silence(service: AlertService, request: SilenceRequest) -> Silence:
    """Make a silence. Raises ActRefused."""
    with service.lock:
        now_ms, from_ms_ = service.act_ms(), request.from_ms
        begins_ms = now_ms if from_ms_ is None or from_ms_ <= to_ms(service.now()) else from_ms_
        wanted = Silence(
            service.new_id(),
            request.matchers,
            begins_ms,
            request.until_ms,
            request.by,
            request.why,
            now_ms,
            request.ends_on_resolve,
        )
        _require_future(service, request.until_ms)
        made = silences.new_silence(wanted, now_ms)
        service.commit(service.with_silences(service.state, [made]))
        return made


def end_silence(service: AlertService, silence_id: str, by: str) -> Silence:
    """End a silence before its time. Raises KeyError for an unknown id, ActRefused for one that is over."""
    with service.lock:
        present = {one.id: one for one in service.state.silences}[silence_id]
        ended = silences.end_silence(present, by, service.act_ms())
        service.commit(service.with_silences(service.state, [ended]))
        return ended


def _commit(service: AlertService, after: HandlingState, act: str, alerts: Iterable[Alert], by: str, text: str) -> None:
    now, found = service.now(), list(alerts)
    rows = [ActionRow(now, by, act, alert.id, alert.rule, alert.unit, text) for alert in found]
    state = replace(service.state, handling=after)
    if act in ("acknowledge", "unacknowledge"):
        names = [alert.id for alert in found]
        marked = engine.acknowledge(state.arrays, state.engine, names, acknowledged=act == "acknowledge")
        state = replace(state, engine=marked)
    service.commit(state, acts=rows)


def _known(service: AlertService, alerts: Sequence[str]) -> list[Alert]:
    found = []
    for name in _distinct(alerts):
        alert = service.alert(name)
        if alert is None:
            raise no_alert("alerts", name)
        found.append(alert)
    return found


def _distinct(alerts: Sequence[str]) -> Sequence[str]:
    if not alerts or len(alerts) > MAX_ALERTS_AT_ONCE:
        raise ActRefused("alerts", Message("alerts_count", most=MAX_ALERTS_AT_ONCE))
    return list(dict.fromkeys(alerts))


def _rule_and_unit(alert: str) -> tuple[str, str]:
    parts = alert.rsplit("/", 2)
    if len(parts) != 3 or not parts[2].isdigit():
        raise ActRefused("alerts", Message("no_alert_id", given=alert[:120]))
    return parts[0], parts[1]


def _require_future(service: AlertService, until_ms: int) -> None:
    if until_ms <= to_ms(service.now()):
        raise ActRefused("until", Message("until_over", given=from_ms(until_ms)))
