"""Acts on an incident: from the body of a request to the changed incident."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Literal, NamedTuple, TypeVar

from pydantic import Field

from ioc.alerts import incidents as incident_acts
from ioc.alerts.incidents import ClosingReason, Incident
from ioc.alerts.procedures import CompletedStep
from ioc.alerts.refusals import ActRefused
from ioc.api.http.request_models import RequestBody
from ioc.messages import Message
from ioc.model.procedure import Procedure
from ioc.model.rule import Severity

Word = TypeVar("Word", bound=StrEnum)


class IncidentActRequest(RequestBody):
    """An act. `of` is its object: an alert, a person, a severity, a procedure, `procedure/step`, or a closing reason.

    `text` is the comment, the note or the reason.
    """

    act: Literal[
        "comment",
        "assign",
        "severity",
        "add_alert",
        "remove_alert",
        "take_up",
        "do_step",
        "undo_step",
        "close",
        "reopen",
    ]
    of: str = Field("", max_length=500)
    text: str = Field("", max_length=4_000)


class _Change(NamedTuple):
    incident: Incident
    of: str
    text: str
    procedures: Mapping[str, Procedure]
    by: str
    at_ms: int


def apply_act(
    incident: Incident, act: IncidentActRequest, procedures: Mapping[str, Procedure], by: str, at_ms: int
) -> Incident:
    """Return the incident after the act. Raises ActRefused, and KeyError for an unknown procedure."""
    return _ACTS[act.act](_Change(incident, act.of, act.text, procedures, by, at_ms))


def _take_up(change: _Change) -> Incident:
    return incident_acts.start_procedure(change.incident, change.procedures[change.of], change.by, change.at_ms)


def _do_step(change: _Change) -> Incident:
    procedure, _, step = change.of.partition("/")
    return incident_acts.do_step(change.incident, procedure, step, CompletedStep(change.by, change.at_ms, change.text))


def _undo_step(change: _Change) -> Incident:
    procedure, _, step = change.of.partition("/")
    return incident_acts.undo_step(change.incident, procedure, step, change.by, change.at_ms)


def _close(change: _Change) -> Incident:
    reason = _member(ClosingReason, change.of)
    return incident_acts.close(change.incident, reason, change.text, change.by, change.at_ms)


_ACTS: Mapping[str, Callable[[_Change], Incident]] = {
    "comment": lambda change: incident_acts.comment(change.incident, change.text, change.by, change.at_ms),
    "assign": lambda change: incident_acts.assign(change.incident, change.of, change.by, change.at_ms),
    "severity": lambda change: incident_acts.set_severity(
        change.incident, _member(Severity, change.of), change.by, change.at_ms
    ),
    "add_alert": lambda change: incident_acts.add_alert(change.incident, change.of, change.by, change.at_ms),
    "remove_alert": lambda change: incident_acts.remove_alert(change.incident, change.of, change.by, change.at_ms),
    "take_up": _take_up,
    "do_step": _do_step,
    "undo_step": _undo_step,
    "close": _close,
    "reopen": lambda change: incident_acts.reopen(change.incident, change.text, change.by, change.at_ms),
}


def _member(kind: type[Word], text: str) -> Word:
    try:
        return kind(text)
    except ValueError:
        known = ", ".join(one.value for one in kind)
        raise ActRefused("of", Message("none_of", given=text, known=known, nearest="")) from None
