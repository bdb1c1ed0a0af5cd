"""Silences: alerts that a person keeps quiet for a time.

The store keeps Silence as JSON by field name, so its fields must keep their names.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import PlainValidator

from ioc.alerts.refusals import MAX_SHELVING_MS, ActRefused, require_person_and_reason
from ioc.messages import Message
from ioc.model.matcher import Matcher, Matchers


def _parsed(stored: Any) -> Matchers:
    """Return matchers from their stored form, a list of texts. Raises MatcherInvalid."""
    return tuple(Matcher.parse(text) for text in stored)


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts that are quiet in [from_ms, until_ms).

    With `ends_on_resolve` it ends when the last alert that it kept quiet has ended. `ended_ms` is set when it ended
    before its time, `ended_by` says by whom, or "resolved". Past silences stay on record.
    """

    id: str
    matchers: Annotated[Matchers, PlainValidator(_parsed)]
    from_ms: int
    until_ms: int
    by: str
    why: str
    created_ms: int
    ends_on_resolve: bool = False
    ended_ms: int | None = None
    ended_by: str = ""

    def holds_at(self, now_ms: int) -> bool:
        """Return whether it applies at `now_ms`."""
        return self.from_ms <= now_ms < (self.until_ms if self.ended_ms is None else self.ended_ms)

    def condition(self, now_ms: int) -> str:
        """Return `waiting`, `holds` or `expired`."""
        if self.holds_at(now_ms):
            return "holds"
        return "waiting" if now_ms < self.from_ms and self.ended_ms is None else "expired"


def new_silence(wanted: Silence, now_ms: int) -> Silence:
    """Check a silence and return it as new.

    Raises ActRefused, which names the field: a silence needs an end, a person, a reason and matchers.
    """
    require_person_and_reason(wanted.by, wanted.why)
    if not wanted.matchers:
        raise ActRefused("matchers", Message("no_matcher"))
    if wanted.until_ms <= max(wanted.from_ms, now_ms):
        raise ActRefused("until", Message("silence_end"))
    if wanted.until_ms - wanted.from_ms > MAX_SHELVING_MS:
        raise ActRefused("until", Message("silence_too_long"))
    return replace(wanted, created_ms=now_ms, ended_ms=None, ended_by="")


def end_silence(present: Silence, by: str, now_ms: int) -> Silence:
    """End a silence before its time. Raises ActRefused when it is over already."""
    if present.condition(now_ms) == "expired":
        raise ActRefused("", Message("silence_over", given=present.id))
    return replace(present, ended_ms=now_ms, ended_by=by)


def end_resolved(
    silences: Iterable[Silence], in_use: Iterable[str], were_in_use: Iterable[str], now_ms: int
) -> list[Silence]:
    """Return the silences that end now because their last alert has ended.

    `in_use` are the ids of the silences that keep an alert quiet now, `were_in_use` those of the tick before.
    """
    unused = set(were_in_use) - set(in_use)
    return [
        replace(one, ended_ms=now_ms, ended_by="resolved")
        for one in silences
        if one.ends_on_resolve and one.id in unused and one.holds_at(now_ms)
    ]
