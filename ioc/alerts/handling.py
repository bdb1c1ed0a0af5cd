"""Apply what people do about alerts: acknowledge, shelve, take a rule out of service (ISA-18.2).

The store keeps Acknowledgement and Shelving as JSON by field name, so their fields must keep their names.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ioc.alerts.refusals import MAX_SHELVING_MS, ActRefused, require_person_and_reason
from ioc.messages import Message
from ioc.model.alert import Handling, Transition, TransitionKind


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Who acknowledged an alert (id); it lasts until the alert ends."""

    alert: str
    by: str
    at_ms: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Shelving:
    """Alerts that are kept quiet for a time: those of a rule and unit, or of a whole rule out of service (`unit` "").

    It always ends: at `until_ms`, or earlier at `ended_ms`, by a person or when its alert ended.
    """

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
        """Return whether it applies at `now_ms`."""
        return self.from_ms <= now_ms < (self.until_ms if self.ended_ms is None else self.ended_ms)


@dataclass(frozen=True, slots=True)
class HandlingState:
    """Acknowledgements by the id of their alert, and all shelvings, past ones included."""

    acknowledged: Mapping[str, Acknowledgement] = field(default_factory=dict)
    shelvings: tuple[Shelving, ...] = ()


def acknowledge(handling: HandlingState, alerts: Iterable[str], by: str, at_ms: int, note: str = "") -> HandlingState:
    """Acknowledge alerts (ids), all or none. Raises ActRefused when somebody has acknowledged one already."""
    if not by.strip():
        raise ActRefused("by", Message("no_person"))
    acknowledged = dict(handling.acknowledged)
    for alert in alerts:
        if alert in acknowledged:
            who = acknowledged[alert].by
            raise ActRefused("", Message("held_already", by=who))
        acknowledged[alert] = Acknowledgement(alert, by, at_ms, note)
    return replace(handling, acknowledged=acknowledged)


def unacknowledge(handling: HandlingState, alerts: Iterable[str]) -> HandlingState:
    """Take back acknowledgements, all or none. Raises ActRefused when one of the alerts is not acknowledged."""
    acknowledged = dict(handling.acknowledged)
    for alert in alerts:
        if acknowledged.pop(alert, None) is None:
            raise ActRefused("", Message("not_held"))
    return replace(handling, acknowledged=acknowledged)


def shelve(handling: HandlingState, *wanted: Shelving) -> HandlingState:
    """Add shelvings, all or none. Raises ActRefused: each needs a person, a reason and an end within 30 days."""
    present: dict[tuple[Handling, str, str], list[Shelving]] = {}
    for one in handling.shelvings:
        present.setdefault((one.kind, one.rule, one.unit), []).append(one)
    for one in wanted:
        _check_shelving(one)
        for earlier in present.get((one.kind, one.rule, one.unit), ()):
            if earlier.holds_at(one.from_ms):
                raise ActRefused("", Message("aside_already", by=earlier.by))
        present.setdefault((one.kind, one.rule, one.unit), []).append(one)
    return replace(handling, shelvings=(*handling.shelvings, *wanted))


def _check_shelving(wanted: Shelving) -> None:
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


def unshelve(handling: HandlingState, shelvings: Collection[str], by: str, now_ms: int) -> HandlingState:
    """End shelvings (ids), all or none. Raises ActRefused for one that is over or unknown."""
    over = set(shelvings) - {one.id for one in handling.shelvings if one.holds_at(now_ms)}
    if over:
        first = min(over)
        raise ActRefused("", Message("aside_gone", given=first))
    after = tuple(
        replace(one, ended_ms=now_ms, ended_by=by) if one.id in shelvings else one for one in handling.shelvings
    )
    return replace(handling, shelvings=after)


def end_with_alerts(handling: HandlingState, transitions: Iterable[Transition]) -> HandlingState:
    """End the acknowledgements of alerts that ended, and the shelvings that end with them."""
    resolved = [one for one in transitions if one.kind is TransitionKind.RESOLVED]
    if not resolved:
        return handling
    ended = {one.alert for one in resolved}
    ended_ms = {(one.rule, one.unit): one.at_ms for one in resolved}
    shelvings = []
    for one in handling.shelvings:
        at_ms = ended_ms.get((one.rule, one.unit))
        if at_ms is not None and one.ends_on_resolve and one.holds_at(at_ms):
            one = replace(one, ended_ms=at_ms, ended_by="resolved")
        shelvings.append(one)
    acknowledged = {alert: one for alert, one in handling.acknowledged.items() if alert not in ended}
    return HandlingState(acknowledged, tuple(shelvings))


ActiveShelvings = Mapping[tuple[str, str], Shelving]
"""Shelvings that apply at a moment, by rule and unit ("": all units)."""


def active_shelvings(handling: HandlingState, now_ms: int) -> ActiveShelvings:
    """Return the shelvings that apply at `now_ms`. Compute it once per tick, not once per alert."""
    return {(one.rule, one.unit): one for one in handling.shelvings if one.holds_at(now_ms)}


def handling_of(
    handling: HandlingState, shelved: ActiveShelvings, alert: str, rule: str, unit: str
) -> tuple[Handling, str]:
    """Return an alert's handling, and a text that says who did it and why; "" for an unacknowledged alert."""
    one = shelved.get((rule, "")) or shelved.get((rule, unit))
    if one is not None:
        return one.kind, f"{one.by}: {one.why}"
    acknowledgement = handling.acknowledged.get(alert)
    if acknowledgement is not None:
        by, note = acknowledgement.by, acknowledgement.note
        return Handling.ACKNOWLEDGED, f"{by}: {note}" if note else by
    return Handling.UNACKNOWLEDGED, ""
