"""/api/v1/incidents: what people make of alerts, with procedure, timeline and closing reason."""

from collections.abc import Callable
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ioc.alert_service.incident_store import MAX_FILE_BYTES
from ioc.alerts import incidents as book
from ioc.alerts.incidents import ClosingReason, Incident
from ioc.alerts.procedures import CompletedStep
from ioc.alerts.records import to_record
from ioc.alerts.refusals import ActRefused
from ioc.api.auth.middleware import caller_of
from ioc.api.context import ApiContext
from ioc.api.http.body_reader import BodyReader
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import FieldFault, Problem
from ioc.api.http.refusals import RequestBody, refusals_as_problems
from ioc.api.http.threads import WorkerThreads
from ioc.clock import from_ms, rfc3339
from ioc.messages import Message
from ioc.model.rule import Severity


class NewIncident(RequestBody):
    """`procedure` is taken up at once; without one, that of the first alert's rule."""

    title: str = Field(max_length=500)
    severity: Severity | None = None
    alerts: list[str] = Field([], max_length=1_000)
    assignee: str = Field("", max_length=200)
    procedure: str | None = None


class Act(RequestBody):
    """`of` is what it is about: an alert, a person, a severity, a procedure, `procedure/step`, a closing reason;
    `text` what is written."""

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


def routes(centre: ApiContext, threads: WorkerThreads) -> APIRouter:
    router = APIRouter(prefix="/api/v1/incidents", tags=["incidents"])
    service, incidents = centre.alerting.service, centre.alerting.incidents
    intake = BodyReader()

    @router.get("")
    async def all_incidents(
        state: Annotated[Literal["open", "closed"] | None, Query()] = None, alert: str | None = None
    ) -> dict[str, Any]:
        """Open ones first, then the latest."""
        found = [
            one
            for one in incidents.all()
            if (state is None or (one.closed_ms is None) == (state == "open"))
            and (alert is None or alert in one.alerts)
        ]
        return {"incidents": [_shape(one) for one in found], "closing_reasons": [one.value for one in ClosingReason]}

    @router.post("", status_code=201)
    async def open_one(request: Request, given: NewIncident) -> Response:
        """Its severity is that of its gravest alert when none is given."""
        by = caller_of(request).name

        def make(incident_id: str, at_ms: int) -> Incident:
            standing = [alert for name in given.alerts if (alert := service.alert(name)) is not None]
            grave = min((one.severity for one in standing), key=lambda one: one.rank, default=Severity.MEDIUM)
            made = book.open_incident(incident_id, given.title, given.severity or grave, tuple(given.alerts), by, at_ms)
            rules = service.in_force.rules
            of_rule = next((rules.rules[one.rule].procedure for one in standing if one.rule in rules.rules), "")
            procedure = given.procedure if given.procedure is not None else of_rule
            if procedure:
                made = book.start_procedure(made, rules.procedures[procedure], by, at_ms)
            return book.assign(made, given.assignee, by, at_ms) if given.assignee else made

        def work() -> Response:
            with refusals_as_problems():
                made = incidents.open(make)
            centre.people.trail.note(by, "incident.open", made.id, {"title": made.title})
            return JsonResponse(_shape(made), 201)

        return await threads.run(work)

    @router.get("/{incident}")
    async def one(incident: str) -> dict[str, Any]:
        with refusals_as_problems():
            return _shape(incidents.named(incident))

    @router.get("/{incident}/export")
    async def export(incident: str) -> Response:
        """All of it as a JSON file, with what is known of its alerts."""

        def read() -> Response:
            with refusals_as_problems():
                found = incidents.named(incident)
            moved = [
                row
                for name in found.alerts
                for row in service.store.select(
                    "SELECT id, kind, moved_at::VARCHAR AS moved_at, value, reason FROM alert_transitions "
                    "WHERE alert = ? ORDER BY number",
                    [name],
                )
            ]
            answer = JsonResponse(_shape(found) | {"transitions": moved})
            answer.headers["Content-Disposition"] = f'attachment; filename="{found.id}.json"'
            return answer

        return await threads.run(read)

    @router.post("/{incident}/acts")
    async def act(request: Request, incident: str, given: Act) -> Response:
        """One act on the timeline; 400 or 409 with the reason when it cannot be."""
        by = caller_of(request).name

        def work() -> Response:
            with refusals_as_problems():
                after = incidents.change(incident, lambda present, at_ms: doing(given)(present, by, at_ms))
            centre.people.trail.note(by, f"incident.{given.act}", incident, {"of": given.of, "text": given.text})
            return JsonResponse(_shape(after))

        return await threads.run(work)

    def doing(given: Act) -> Callable[[Incident, str, int], Incident]:
        of, text = given.of, given.text
        procedure, _, step = of.partition("/")
        match given.act:
            case "comment":
                return lambda one, by, at: book.comment(one, text, by, at)
            case "assign":
                return lambda one, by, at: book.assign(one, of, by, at)
            case "severity":
                return lambda one, by, at: book.set_severity(one, _word(Severity, of), by, at)
            case "add_alert":
                return lambda one, by, at: book.add_alert(one, of, by, at)
            case "remove_alert":
                return lambda one, by, at: book.remove_alert(one, of, by, at)
            case "take_up":
                return lambda one, by, at: book.start_procedure(one, service.in_force.rules.procedures[of], by, at)
            case "do_step":
                return lambda one, by, at: book.do_step(one, procedure, step, CompletedStep(by, at, text))
            case "undo_step":
                return lambda one, by, at: book.undo_step(one, procedure, step, by, at)
            case "close":
                return lambda one, by, at: book.close(one, _word(ClosingReason, of), text, by, at)
            case _:
                return lambda one, by, at: book.reopen(one, text, by, at)

    @router.post("/{incident}/files", status_code=201)
    async def attach(
        request: Request, incident: str, name: Annotated[str, Query(min_length=1, max_length=200)]
    ) -> Response:
        """The body is the file, at most 5 MB."""
        by = caller_of(request).name
        content = await intake.read(request)
        if len(content) > MAX_FILE_BYTES:
            most = MAX_FILE_BYTES >> 20
            message = Message("file_too_large", most=most)
            raise Problem(413, message, [FieldFault("file", message, "file_too_large", {"most": most})])

        def work() -> Response:
            with refusals_as_problems():
                after = incidents.attach(incident, service.new_id(), name, content, by)
            centre.people.trail.note(by, "incident.attach", incident, {"name": name})
            return JsonResponse(_shape(after), 201)

        return await threads.run(work)

    @router.get("/{incident}/files/{file_id}")
    async def file(incident: str, file_id: str) -> Response:
        """As it was attached; always as a download."""

        def read() -> Response:
            with refusals_as_problems():
                name, content = incidents.file(incident, file_id)
            headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
            return Response(content, headers=headers, media_type="application/octet-stream")

        return await threads.run(read)

    return router


def _shape(incident: Incident) -> dict[str, Any]:
    """With times as text, and how far each procedure is."""
    shape: dict[str, Any] = _timed(to_record(incident))
    for name, following in incident.procedures.items():
        done, all_of_it = following.progress
        shape["procedures"][name] |= {"done": done, "steps": all_of_it}
    return shape


def _timed(value: Any) -> Any:
    """Fields in ms (`opened_ms`) become times (`opened_at`; `at_ms` becomes `at`)."""
    if isinstance(value, list):
        return [_timed(item) for item in value]
    if not isinstance(value, dict):
        return value
    timed = {}
    for name, given in value.items():
        if name.endswith("_ms"):
            moment = None if given is None else rfc3339(from_ms(given))
            timed["at" if name == "at_ms" else f"{name[:-3]}_at"] = moment
        else:
            timed[name] = _timed(given)
    return timed


def _word(kind: Any, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        known = ", ".join(one.value for one in kind)
        raise ActRefused("of", Message("none_of", given=text, known=known, nearest="")) from None
