"""Silences: a person says that some alerts make no noise for a time."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ioc.alerts.refusals import MAX_SHELVING_MS, ActRefused, require_person_and_reason
from ioc.messages import Message
from ioc.model.matcher import Matchers


@dataclass(frozen=True, slots=True)
class Silence:
    """Holds in [from_ms, until_ms). With `ends_on_resolve` it ends when the last alert that it met has ended.
    `ended_ms` is set when it ended before its time, `ended_by` says by whom, or "resolved". It stays on record."""

    id: str
    matchers: Matchers
    from_ms: int
    until_ms: int
    by: str
    why: str
    created_ms: int
    ends_on_resolve: bool = False
    ended_ms: int | None = None
    ended_by: str = ""

    def holds_at(self, now_ms: int) -> bool:
        return self.from_ms <= now_ms < (self.until_ms if self.ended_ms is None else self.ended_ms)

    def condition(self, now_ms: int) -> str:
        """`waiting`, `holds`, or `expired`."""
        if self.holds_at(now_ms):
            return "holds"
        return "waiting" if now_ms < self.from_ms and self.ended_ms is None else "expired"


def new_silence(wanted: Silence, now_ms: int) -> Silence:
    """The silence as wanted, if it may be. Raises ActRefused with the field: one that has no end, no person, no reason
    or no matchers is none."""
    require_person_and_reason(wanted.by, wanted.why)
    if not wanted.matchers:
        raise ActRefused("matchers", Message("silence_no_matcher"))
    if wanted.until_ms <= max(wanted.from_ms, now_ms):
        raise ActRefused("until", Message("silence_end"))
    if wanted.until_ms - wanted.from_ms > MAX_SHELVING_MS:
        raise ActRefused("until", Message("silence_too_long"))
    return replace(wanted, created_ms=now_ms, ended_ms=None, ended_by="")


def end_silence(present: Silence, by: str, now_ms: int) -> Silence:
    """Ended before its time. Raises ActRefused when it is over already."""
    if present.condition(now_ms) == "expired":
        raise ActRefused("", Message("silence_over", given=present.id))
    return replace(present, ended_ms=now_ms, ended_by=by)


def end_resolved(silences: Iterable[Silence], met: Iterable[str], had_met: Iterable[str], now_ms: int) -> list[Silence]:
    """Those that end now since their last alert has ended: `met` are the ids of silences that meet an alert now,
    `had_met` of those that did at the tick before."""
    gone = set(had_met) - set(met)
    return [
        replace(one, ended_ms=now_ms, ended_by="resolved")
        for one in silences
        if one.ends_on_resolve and one.id in gone and one.holds_at(now_ms)
    ]
