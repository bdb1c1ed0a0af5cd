"""What people do about an alert: acknowledge it, shelve it, take its rule out of service (ISA-18.2)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ioc.alerts.refusals import MAX_SHELVING_MS, ActRefused, require_person_and_reason
from ioc.messages import Message
from ioc.model.alert import Handling, Transition, TransitionKind


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Holds until the alert (id) ends."""

    alert: str
    by: str
    at_ms: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Shelving:
    """Something put aside for a time: a shelving (`rule` and `unit`) or a rule out of service (`unit` empty: all its
    units). It always ends: at `until_ms`, or before, at `ended_ms`, by a person or when its alert ended."""

    id: str
    kind: Handling
    rule: str
    unit: str
    from_ms: int
    until_ms: int
    by: str
    why: str
    ends_on_resolve: bool = False
    ended_ms: int | None = None
    ended_by: str = ""

    def holds_at(self, now_ms: int) -> bool:
        return self.from_ms <= now_ms < (self.until_ms if self.ended_ms is None else self.ended_ms)


@dataclass(frozen=True, slots=True)
class HandlingState:
    """All that is on record: acknowledgements by the id of their alert, what was put aside with what is over."""

    acknowledged: Mapping[str, Acknowledgement] = field(default_factory=dict)
    shelvings: tuple[Shelving, ...] = ()


def acknowledge(handling: HandlingState, alerts: Iterable[str], by: str, at_ms: int, note: str = "") -> HandlingState:
    """All of them or none. Raises ActRefused when somebody has one already; who wants it asks that person."""
    if not by.strip():
        raise ActRefused("by", Message("no_person"))
    held = dict(handling.acknowledged)
    for alert in alerts:
        if alert in held:
            who = held[alert].by
            raise ActRefused("", Message("held_already", by=who))
        held[alert] = Acknowledgement(alert, by, at_ms, note)
    return replace(handling, acknowledged=held)


def unacknowledge(handling: HandlingState, alerts: Iterable[str]) -> HandlingState:
    """All of them or none. Raises ActRefused when nobody has one of them."""
    held = dict(handling.acknowledged)
    for alert in alerts:
        if held.pop(alert, None) is None:
            raise ActRefused("", Message("not_held"))
    return replace(handling, acknowledged=held)


def shelve(handling: HandlingState, *wanted: Shelving) -> HandlingState:
    """Shelve, or take out of service, all of them or none. Raises ActRefused: it needs a person, a reason and an end
    within 30 days."""
    present: dict[tuple[Handling, str, str], list[Shelving]] = {}
    for one in handling.shelvings:
        present.setdefault((one.kind, one.rule, one.unit), []).append(one)
    for one in wanted:
        _may_be_put_aside(one)
        for held in present.get((one.kind, one.rule, one.unit), ()):
            if held.holds_at(one.from_ms):
                raise ActRefused("", Message("aside_already", by=held.by))
        present.setdefault((one.kind, one.rule, one.unit), []).append(one)
    return replace(handling, shelvings=(*handling.shelvings, *wanted))


def _may_be_put_aside(wanted: Shelving) -> None:
    require_person_and_reason(wanted.by, wanted.why)
    if wanted.kind not in (Handling.SHELVED, Handling.OUT_OF_SERVICE):
        raise ActRefused("kind", Message("no_aside", given=wanted.kind.value))
    if wanted.kind is Handling.SHELVED and not wanted.unit:
        raise ActRefused("unit", Message("shelve_one_unit"))
    if wanted.until_ms <= wanted.from_ms:
        raise ActRefused("until", Message("ends_before"))
    if wanted.until_ms - wanted.from_ms > MAX_SHELVING_MS:
        raise ActRefused("until", Message("aside_too_long"))
    if wanted.ends_on_resolve and wanted.kind is not Handling.SHELVED:
        raise ActRefused("ends_on_resolve", Message("ends_on_resolve"))


def unshelve(handling: HandlingState, aside: Collection[str], by: str, now_ms: int) -> HandlingState:
    """End what was put aside (ids), all of it or nothing. Raises ActRefused when one is over or was never."""
    missing = set(aside) - {one.id for one in handling.shelvings if one.holds_at(now_ms)}
    if missing:
        gone = min(missing)
        raise ActRefused("", Message("aside_gone", given=gone))
    ended = tuple(replace(one, ended_ms=now_ms, ended_by=by) if one.id in aside else one for one in handling.shelvings)
    return replace(handling, shelvings=ended)


def end_with_alerts(handling: HandlingState, transitions: Iterable[Transition]) -> HandlingState:
    """After a tick: acknowledgements and shelvings of alerts that ended go."""
    over = [one for one in transitions if one.kind is TransitionKind.RESOLVED]
    if not over:
        return handling
    ended = {one.alert for one in over}
    places = {(one.rule, one.unit): one.at_ms for one in over}
    aside = []
    for one in handling.shelvings:
        at_ms = places.get((one.rule, one.unit))
        if at_ms is not None and one.ends_on_resolve and one.holds_at(at_ms):
            one = replace(one, ended_ms=at_ms, ended_by="resolved")
        aside.append(one)
    return HandlingState({key: held for key, held in handling.acknowledged.items() if key not in ended}, tuple(aside))


ActiveShelvings = Mapping[tuple[str, str], Shelving]
"""What is put aside at a moment, by rule and unit (empty: all units)."""


def active_shelvings(handling: HandlingState, now_ms: int) -> ActiveShelvings:
    """Asked once for all alerts of a moment."""
    return {(one.rule, one.unit): one for one in handling.shelvings if one.holds_at(now_ms)}


def handling_of(
    handling: HandlingState, shelved: ActiveShelvings, alert: str, rule: str, unit: str
) -> tuple[Handling, str]:
    """How an alert stands with people, and one sentence that says who and why."""
    one = shelved.get((rule, "")) or shelved.get((rule, unit))
    if one is not None:
        return one.kind, f"{one.by}: {one.why}"
    held = handling.acknowledged.get(alert)
    if held is not None:
        return Handling.ACKNOWLEDGED, f"{held.by}: {held.note}" if held.note else held.by
    return Handling.UNACKNOWLEDGED, ""
