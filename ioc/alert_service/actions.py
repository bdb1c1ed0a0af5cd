"""What people do about alerts; each act is on record with its person before it holds."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ioc.alert_service.alert_state import Standing
from ioc.alert_service.service import Desk
from ioc.alerts import engine, handling, silences
from ioc.alerts.actions import ActRefused, no_alert, no_rule
from ioc.alerts.handling import Aside, Book
from ioc.alerts.silences import Silence
from ioc.clock import from_ms, to_ms
from ioc.model.alert import Alert, Handling
from ioc.model.matcher import Matchers
from ioc.store.alerting import ActRow

LONGEST_COMMENT = 4_000
MOST_AT_ONCE = 5_000


def acknowledge(desk: Desk, alerts: Sequence[str], by: str, note: str) -> None:
    """Raises ActRefused with the alert at fault; then none of them is."""
    with desk.lock:
        found, at_ms = _known(desk, alerts), desk.act_ms()
        book = handling.acknowledge(desk.standing.book, [alert.id for alert in found], by, at_ms, note)
        _commit(desk, book, "acknowledge", found, by, note, acknowledged=True)


def unacknowledge(desk: Desk, alerts: Sequence[str], by: str, note: str) -> None:
    """Raises ActRefused."""
    with desk.lock:
        found = _known(desk, alerts)
        book = handling.unacknowledge(desk.standing.book, [alert.id for alert in found])
        _commit(desk, book, "unacknowledge", found, by, note, acknowledged=False)


def shelve(desk: Desk, alerts: Sequence[str], until_ms: int, by: str, why: str, ends_on_resolve: bool) -> None:
    """The alerts of these rules and units make no noise until then. Raises ActRefused."""
    with desk.lock:
        found, at_ms = _known(desk, alerts), desk.act_ms()
        _to_come(desk, until_ms)
        wanted = [
            Aside(desk.new_id(), Handling.SHELVED, alert.rule, alert.unit, at_ms, until_ms, by, why, ends_on_resolve)
            for alert in found
        ]
        _commit(desk, handling.put_aside(desk.standing.book, *wanted), "shelve", found, by, why)


def unshelve(desk: Desk, alerts: Sequence[str], by: str, note: str) -> None:
    """Raises ActRefused when one of them is not shelved."""
    with desk.lock:
        found, book, at_ms = _known(desk, alerts), desk.standing.book, desk.act_ms()
        held: dict[tuple[str, str], list[str]] = {}
        for one in book.aside:
            if one.unit and one.holds_at(at_ms):
                held.setdefault((one.rule, one.unit), []).append(one.id)
        for alert in found:
            if (alert.rule, alert.unit) not in held:
                raise ActRefused("alerts", f"{alert.id} is not shelved.", "not_shelved", given=alert.id)
        ended = {name for alert in found for name in held[alert.rule, alert.unit]}
        _commit(desk, handling.take_back(book, ended, by, at_ms), "unshelve", found, by, note)


def out_of_service(desk: Desk, rule: str, until_ms: int, by: str, why: str) -> Aside:
    """All alerts of a rule. Raises ActRefused."""
    with desk.lock:
        if rule not in desk.in_force.rules.rules:
            raise no_rule(rule)
        _to_come(desk, until_ms)
        wanted = Aside(desk.new_id(), Handling.OUT_OF_SERVICE, rule, "", desk.act_ms(), until_ms, by, why)
        book = handling.put_aside(desk.standing.book, wanted)
        desk.commit(
            replace(desk.standing, book=book), acts=[ActRow(desk.now(), by, "out_of_service", "", rule, "", why)]
        )
        return wanted


def in_service(desk: Desk, rule: str, by: str) -> None:
    """Raises ActRefused when the rule is in service."""
    with desk.lock:
        book, at_ms = desk.standing.book, desk.act_ms()
        held = [one for one in book.aside if (one.rule, one.unit) == (rule, "") and one.holds_at(at_ms)]
        if not held:
            raise ActRefused("rule", f"{rule} is in service.", "in_service", given=rule)
        book = handling.take_back(book, {one.id for one in held}, by, at_ms)
        desk.commit(replace(desk.standing, book=book), acts=[ActRow(desk.now(), by, "in_service", "", rule, "", "")])


def comment(desk: Desk, alerts: Sequence[str], by: str, text: str) -> None:
    """Also on alerts that are over. Raises ActRefused."""
    if not text.strip() or len(text) > LONGEST_COMMENT:
        message = f"A comment is 1 to {LONGEST_COMMENT} characters long."
        raise ActRefused("text", message, "comment_length", most=LONGEST_COMMENT)
    rows = []
    for alert in _few(alerts):
        rule, unit, _ = _parts(alert)
        rows.append(ActRow(desk.now(), by, "comment", alert, rule, unit, text.strip()))
    with desk.lock:
        desk.commit(desk.standing, acts=rows)


def silence(
    desk: Desk, matchers: Matchers, from_ms_: int | None, until_ms: int, by: str, why: str, ends_on_resolve: bool
) -> Silence:
    """From now on when no beginning is given. Raises ActRefused."""
    with desk.lock:
        now_ms = desk.act_ms()
        begins = now_ms if from_ms_ is None or from_ms_ <= to_ms(desk.now()) else from_ms_
        wanted = Silence(desk.new_id(), matchers, begins, until_ms, by, why, now_ms, ends_on_resolve)
        _to_come(desk, until_ms)
        made = silences.silence(wanted, now_ms)
        desk.commit(desk.with_silences(desk.standing, [made]))
        return made


def end_silence(desk: Desk, silence_id: str, by: str) -> Silence:
    """Raises KeyError for one that never was, ActRefused for one that is over."""
    with desk.lock:
        present = {one.id: one for one in desk.standing.silences}[silence_id]
        ended = silences.end_silence(present, by, desk.act_ms())
        desk.commit(desk.with_silences(desk.standing, [ended]))
        return ended


def _commit(
    desk: Desk, book: Book, act: str, alerts: Iterable[Alert], by: str, text: str, acknowledged: bool | None = None
) -> None:
    now, found = desk.now(), list(alerts)
    rows = [ActRow(now, by, act, alert.id, alert.rule, alert.unit, text) for alert in found]
    after: Standing = replace(desk.standing, book=book)
    if acknowledged is not None:
        state = engine.acknowledge(after.plan, after.state, [alert.id for alert in found], acknowledged)
        after = replace(after, state=state)
    desk.commit(after, acts=rows)


def _known(desk: Desk, alerts: Sequence[str]) -> list[Alert]:
    found = []
    for name in _few(alerts):
        alert = desk.named(name)
        if alert is None:
            raise no_alert("alerts", name)
        found.append(alert)
    return found


def _few(alerts: Sequence[str]) -> Sequence[str]:
    if not alerts or len(alerts) > MOST_AT_ONCE:
        raise ActRefused("alerts", f"Name 1 to {MOST_AT_ONCE} alerts.", "alerts_count", most=MOST_AT_ONCE)
    return list(dict.fromkeys(alerts))


def _parts(alert: str) -> tuple[str, str, str]:
    parts = alert.rsplit("/", 2)
    if len(parts) != 3 or not parts[2].isdigit():
        message = f"{alert[:120]!r} is not the id of an alert."
        raise ActRefused("alerts", message, "no_alert_id", given=alert[:120])
    return parts[0], parts[1], parts[2]


def _to_come(desk: Desk, until_ms: int) -> None:
    if until_ms <= to_ms(desk.now()):
        message = f"{from_ms(until_ms):%Y-%m-%d %H:%M} UTC is over already; choose a time to come."
        raise ActRefused("until", message, "until_over")
