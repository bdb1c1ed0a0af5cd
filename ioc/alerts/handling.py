"""What people do about an alert: acknowledge it, shelve it, take its rule out of service (ISA-18.2)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ioc.alerts.acts import LONGEST_MS, ActRefused, told
from ioc.model.alert import Handling, Transition, TransitionKind


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Holds until the alert (id) ends."""

    alert: str
    by: str
    at_ms: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Aside:
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
class Book:
    """All that is on record: acknowledgements by the id of their alert, what was put aside with what is over."""

    acknowledged: Mapping[str, Acknowledgement] = field(default_factory=dict)
    aside: tuple[Aside, ...] = ()


def acknowledge(book: Book, alert: str, by: str, at_ms: int, note: str = "") -> Book:
    """Raises ActRefused when somebody has it already; who wants it asks that person."""
    if not by.strip():
        raise ActRefused("by", "It must be on record who acknowledges; give a name.")
    holder = book.acknowledged.get(alert)
    if holder is not None:
        raise ActRefused("", f"{holder.by} has acknowledged this alert already.")
    return replace(book, acknowledged={**book.acknowledged, alert: Acknowledgement(alert, by, at_ms, note)})


def unacknowledge(book: Book, alert: str) -> Book:
    """Raises ActRefused when nobody has it."""
    if alert not in book.acknowledged:
        raise ActRefused("", "Nobody has acknowledged this alert.")
    return replace(book, acknowledged={key: held for key, held in book.acknowledged.items() if key != alert})


def put_aside(book: Book, wanted: Aside) -> Book:
    """Shelve, or take out of service. Raises ActRefused: it needs a person, a reason and an end within 30 days."""
    told(wanted.by, wanted.why)
    if wanted.kind not in (Handling.SHELVED, Handling.OUT_OF_SERVICE):
        raise ActRefused("kind", f"{wanted.kind} is not putting aside.")
    if wanted.kind is Handling.SHELVED and not wanted.unit:
        raise ActRefused("unit", "A shelving means the alert of one unit; take the rule out of service for all.")
    if wanted.until_ms <= wanted.from_ms:
        raise ActRefused("until", "It ends after it begins.")
    if wanted.until_ms - wanted.from_ms > LONGEST_MS:
        raise ActRefused("until", "It ends within 30 days; do it again then if it must last.")
    if wanted.ends_on_resolve and wanted.kind is not Handling.SHELVED:
        raise ActRefused("ends_on_resolve", "Only a shelving ends with its alert.")
    for present in book.aside:
        same = (present.kind, present.rule, present.unit) == (wanted.kind, wanted.rule, wanted.unit)
        if same and present.holds_at(wanted.from_ms):
            raise ActRefused("", f"It is put aside already, by {present.by}; end that first.")
    return replace(book, aside=(*book.aside, wanted))


def take_back(book: Book, aside: str, by: str, now_ms: int) -> Book:
    """End what was put aside (id). Raises ActRefused when it is over or was never."""
    if not any(one.id == aside and one.holds_at(now_ms) for one in book.aside):
        raise ActRefused("", f"Nothing of the id {aside!r} is put aside now.")
    ended = tuple(replace(one, ended_ms=now_ms, ended_by=by) if one.id == aside else one for one in book.aside)
    return replace(book, aside=ended)


def settle(book: Book, transitions: Iterable[Transition]) -> Book:
    """After a tick: acknowledgements and shelvings of alerts that ended go."""
    over = [one for one in transitions if one.kind is TransitionKind.RESOLVED]
    if not over:
        return book
    ended = {one.alert for one in over}
    places = {(one.rule, one.unit): one.at_ms for one in over}
    aside = []
    for one in book.aside:
        at_ms = places.get((one.rule, one.unit))
        if at_ms is not None and one.ends_on_resolve and one.holds_at(at_ms):
            one = replace(one, ended_ms=at_ms, ended_by="resolved")
        aside.append(one)
    return Book({key: held for key, held in book.acknowledged.items() if key not in ended}, tuple(aside))


def handling_of(book: Book, alert: str, rule: str, unit: str, now_ms: int) -> tuple[Handling, str]:
    """How an alert stands with people, and one sentence that says who and why."""
    holding = [one for one in book.aside if one.rule == rule and one.unit in ("", unit) and one.holds_at(now_ms)]
    if holding:
        one = min(holding, key=lambda aside: aside.kind is not Handling.OUT_OF_SERVICE)
        return one.kind, f"{one.by}: {one.why}"
    held = book.acknowledged.get(alert)
    if held is not None:
        return Handling.ACKNOWLEDGED, f"{held.by}: {held.note}" if held.note else held.by
    return Handling.UNACKNOWLEDGED, ""
