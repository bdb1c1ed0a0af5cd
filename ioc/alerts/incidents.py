"""Incidents, from opening to the reason for closing. Every action is recorded on the timeline.

The store keeps Incident as JSON by field name, so the fields of the dataclasses here must keep their names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ioc.alerts.procedures import CompletedStep, FollowedProcedure, complete_step, reopen_step
from ioc.alerts.refusals import MAX_TEXT_LENGTH, ActRefused
from ioc.messages import Message
from ioc.model.procedure import Procedure
from ioc.model.rule import Severity

MAX_FILES = 50
FILE_TYPES = (
    *("pdf", "docx", "xlsx", "pptx", "odt", "ods", "txt", "md", "csv", "json", "log", "eml", "zip"),
    *("png", "jpg", "jpeg", "webp", "gif", "mp4", "mp3", "wav"),
)
"""Extensions of files that may be attached: documents, pictures and recordings, nothing executable."""


class TimelineAct(StrEnum):
    """What an entry of a timeline records."""

    OPENED = "opened"
    ALERT_ADDED = "alert_added"
    ALERT_REMOVED = "alert_removed"
    ASSIGNED = "assigned"
    SEVERITY_SET = "severity_set"
    COMMENTED = "commented"
    ATTACHED = "attached"
    PROCEDURE_TAKEN_UP = "procedure_taken_up"
    STEP_DONE = "step_done"
    STEP_UNDONE = "step_undone"
    CLOSED = "closed"
    REOPENED = "reopened"


class ClosingReason(StrEnum):
    """Why an incident is over."""

    SOLVED = "solved"
    PASSED_BY_ITSELF = "passed_by_itself"
    FALSE_ALARM = "false_alarm"
    HANDED_OVER = "handed_over"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """An entry of the timeline.

    `of` is what the action was about: an alert, a person, a file, a step, a reason. `text` is what was written.
    """

    at_ms: int
    by: str
    act: TimelineAct
    of: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file whose content is kept under `id`."""

    id: str
    name: str
    size_bytes: int
    by: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident with its timeline; `alerts` are ids, `procedures` by id, `closed_ms` is None while it is open."""

    id: str
    title: str
    severity: Severity
    opened_ms: int
    opened_by: str
    alerts: tuple[str, ...] = ()
    assignee: str = ""
    procedures: Mapping[str, FollowedProcedure] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    closed_ms: int | None = None
    closing_reason: ClosingReason | None = None


def open_incident(
    incident_id: str, title: str, severity: Severity, alerts: tuple[str, ...], by: str, at_ms: int
) -> Incident:
    """Open an incident. Raises ActRefused without a title or a person."""
    if not title.strip():
        raise ActRefused("title", Message("no_title"))
    incident = Incident(incident_id, title.strip(), severity, at_ms, by, tuple(dict.fromkeys(alerts)))
    return _with(incident, TimelineEntry(at_ms, by, TimelineAct.OPENED, text=title.strip()))


def add_alert(incident: Incident, alert: str, by: str, at_ms: int) -> Incident:
    """Add an alert (id). Raises ActRefused when it belongs to the incident already, or the incident is closed."""
    _require_open(incident)
    if alert in incident.alerts:
        raise ActRefused("alert", Message("alert_in_incident"))
    return _with(
        replace(incident, alerts=(*incident.alerts, alert)), TimelineEntry(at_ms, by, TimelineAct.ALERT_ADDED, alert)
    )


def remove_alert(incident: Incident, alert: str, by: str, at_ms: int) -> Incident:
    """Remove an alert (id). Raises ActRefused when it does not belong to the incident, or the incident is closed."""
    _require_open(incident)
    if alert not in incident.alerts:
        raise ActRefused("alert", Message("alert_not_in_incident"))
    kept = tuple(one for one in incident.alerts if one != alert)
    return _with(replace(incident, alerts=kept), TimelineEntry(at_ms, by, TimelineAct.ALERT_REMOVED, alert))


def assign(incident: Incident, assignee: str, by: str, at_ms: int) -> Incident:
    """Assign an incident to a person; "" to nobody. Raises ActRefused when it is closed."""
    _require_open(incident)
    return _with(replace(incident, assignee=assignee), TimelineEntry(at_ms, by, TimelineAct.ASSIGNED, assignee))


def set_severity(incident: Incident, severity: Severity, by: str, at_ms: int) -> Incident:
    """Set the severity. Raises ActRefused when the incident is closed."""
    _require_open(incident)
    return _with(
        replace(incident, severity=severity), TimelineEntry(at_ms, by, TimelineAct.SEVERITY_SET, severity.value)
    )


def comment(incident: Incident, text: str, by: str, at_ms: int) -> Incident:
    """Comment on an incident, also a closed one. Raises ActRefused for a text that is empty or too long."""
    if not text.strip():
        raise ActRefused("text", Message("comment_empty"))
    if len(text) > MAX_TEXT_LENGTH:
        raise ActRefused("text", Message("comment_too_long", given=len(text), most=MAX_TEXT_LENGTH))
    return _with(incident, TimelineEntry(at_ms, by, TimelineAct.COMMENTED, text=text.strip()))


def attach(incident: Incident, attachment: Attachment) -> Incident:
    """Attach a file. Raises ActRefused when the incident is closed or full, or the type is not allowed."""
    _require_open(incident)
    ending = attachment.name.rpartition(".")[2].lower()
    if ending not in FILE_TYPES or "." not in attachment.name:
        known = ", ".join(FILE_TYPES)
        raise ActRefused("name", Message("file_type", known=known, given=attachment.name[:80]))
    if len(incident.attachments) >= MAX_FILES:
        raise ActRefused("", Message("too_many_files", most=MAX_FILES))
    entry = TimelineEntry(attachment.at_ms, attachment.by, TimelineAct.ATTACHED, attachment.id, attachment.name)
    return _with(replace(incident, attachments=(*incident.attachments, attachment)), entry)


def start_procedure(incident: Incident, procedure: Procedure, by: str, at_ms: int) -> Incident:
    """Start to follow a procedure in its present version. Raises ActRefused when it is followed already."""
    _require_open(incident)
    if procedure.id in incident.procedures:
        raise ActRefused("procedure", Message("followed_already", given=procedure.id))
    followed = {**incident.procedures, procedure.id: FollowedProcedure(procedure)}
    return _with(
        replace(incident, procedures=followed), TimelineEntry(at_ms, by, TimelineAct.PROCEDURE_TAKEN_UP, procedure.id)
    )


def do_step(incident: Incident, procedure: str, step: str, tick: CompletedStep) -> Incident:
    """Record a step as done. Raises ActRefused for a procedure that is not followed, or a step unknown or done."""
    after = complete_step(_following(incident, procedure), step, tick)
    entry = TimelineEntry(tick.at_ms, tick.by, TimelineAct.STEP_DONE, f"{procedure}/{step}", tick.note)
    return _with(replace(incident, procedures={**incident.procedures, procedure: after}), entry)


def undo_step(incident: Incident, procedure: str, step: str, by: str, at_ms: int) -> Incident:
    """Record a step as not done after all. Raises ActRefused for a step that is not done."""
    after = reopen_step(_following(incident, procedure), step)
    entry = TimelineEntry(at_ms, by, TimelineAct.STEP_UNDONE, f"{procedure}/{step}")
    return _with(replace(incident, procedures={**incident.procedures, procedure: after}), entry)


def close(incident: Incident, reason: ClosingReason, text: str, by: str, at_ms: int) -> Incident:
    """Close an incident. Raises ActRefused when it is closed, or without a text."""
    _require_open(incident)
    if not text.strip():
        raise ActRefused("text", Message("how_ended"))
    closed = replace(incident, closed_ms=at_ms, closing_reason=reason)
    return _with(closed, TimelineEntry(at_ms, by, TimelineAct.CLOSED, reason.value, text.strip()))


def reopen(incident: Incident, text: str, by: str, at_ms: int) -> Incident:
    """Reopen an incident. Raises ActRefused when it is open, or without a text."""
    if incident.closed_ms is None:
        raise ActRefused("", Message("incident_open", given=incident.id))
    if not text.strip():
        raise ActRefused("text", Message("why_reopened"))
    opened = replace(incident, closed_ms=None, closing_reason=None)
    return _with(opened, TimelineEntry(at_ms, by, TimelineAct.REOPENED, text=text.strip()))


def _following(incident: Incident, procedure: str) -> FollowedProcedure:
    _require_open(incident)
    if procedure not in incident.procedures:
        raise ActRefused("procedure", Message("not_followed", given=procedure))
    return incident.procedures[procedure]


def _require_open(incident: Incident) -> None:
    if incident.closed_ms is not None:
        raise ActRefused("", Message("incident_closed", given=incident.id))


def _with(incident: Incident, entry: TimelineEntry) -> Incident:
    if not entry.by.strip():
        raise ActRefused("by", Message("no_person"))
    return replace(incident, timeline=(*incident.timeline, entry))
