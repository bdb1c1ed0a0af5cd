"""Incidents as JSON."""

from typing import Any

from typing_extensions import TypedDict

from ioc.alerts.incidents import Incident
from ioc.alerts.records import to_record
from ioc.api.schemas.rules import ProcedureShape
from ioc.clock import from_ms, rfc3339


class DoneStepShape(TypedDict):
    """Who did a step of a procedure, when, and their note."""

    by: str
    at: str
    note: str


class FollowedProcedureShape(TypedDict):
    """A procedure as it was when it was taken up. `ticks` are done steps by id; `done` of `steps` are done."""

    procedure: ProcedureShape
    ticks: dict[str, DoneStepShape]
    done: int
    steps: int


class AttachmentShape(TypedDict):
    """A file of the incident."""

    id: str
    name: str
    size_bytes: int
    by: str
    at: str


class TimelineEntryShape(TypedDict):
    """An act on the timeline; `of` is its object, such as an alert or `procedure/step`."""

    at: str
    by: str
    act: str
    of: str
    text: str


class IncidentShape(TypedDict):
    """An incident. `closed_at` and `closing_reason` are null while it is open; `procedures` are by id."""

    id: str
    title: str
    severity: str
    opened_at: str
    opened_by: str
    alerts: list[str]
    assignee: str
    procedures: dict[str, FollowedProcedureShape]
    attachments: list[AttachmentShape]
    timeline: list[TimelineEntryShape]
    closed_at: str | None
    closing_reason: str | None


class IncidentListShape(TypedDict):
    """Incidents, open ones first, then the latest; and all reasons for closing one."""

    incidents: list[IncidentShape]
    closing_reasons: list[str]


class ExportedTransitionShape(TypedDict):
    """A change of the state of one of the incident's alerts; `moved_at` is UTC as the store writes it."""

    id: str
    kind: str
    moved_at: str
    value: float | None
    reason: str


class IncidentExportShape(IncidentShape):
    """An incident with the transitions of its alerts."""

    transitions: list[ExportedTransitionShape]


def incident_shape(incident: Incident) -> dict[str, Any]:
    """Return an incident as IncidentShape."""
    shape: dict[str, Any] = _with_times(to_record(incident))
    for name, followed in incident.procedures.items():
        done, steps = followed.progress
        shape["procedures"][name] |= {"done": done, "steps": steps}
    return shape


def _with_times(value: Any) -> Any:
    """Turn fields in ms into times, at all depths: `opened_ms` becomes `opened_at`, `at_ms` becomes `at`."""
    if isinstance(value, list):
        return [_with_times(item) for item in value]
    if not isinstance(value, dict):
        return value
    timed = {}
    for name, item in value.items():
        if name.endswith("_ms"):
            moment = None if item is None else rfc3339(from_ms(item))
            timed["at" if name == "at_ms" else f"{name[:-3]}_at"] = moment
        else:
            timed[name] = _with_times(item)
    return timed
