"""POST /api/v1/alerts/…: acknowledge, shelve, close and comment on alerts.

An action changes all named alerts or none, and returns those that are still present.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from ioc.alert_service import actions, external_intake
from ioc.alert_service.service import AlertService
from ioc.api.auth.middleware import caller_of
from ioc.api.context import Alerts, ApiContext, Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.refusals import refusals_as_problems
from ioc.api.http.request_models import EndTime, RequestBody
from ioc.api.schemas.alert_lists import AlertListShape, alert_list_shape

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

_MAX_TRAIL_ENTRIES = 20
"""Up to so many alerts, an action has one entry per alert in the audit trail; above, one entry for all."""

_Alerts = Annotated[list[str], Field(min_length=1, max_length=actions.MAX_ALERTS_AT_ONCE)]
_Comment = Annotated[str, Field(max_length=actions.MAX_COMMENT_LENGTH)]


class AcknowledgeRequest(RequestBody):
    """Ids of alerts, and a note."""

    alerts: _Alerts
    note: _Comment = ""


class ShelveRequest(EndTime):
    """Ids of alerts, the end, and the reason. `ends_on_resolve`: the shelving also ends with the alert."""

    alerts: _Alerts
    why: str = ""
    ends_on_resolve: bool = False


class CloseRequest(RequestBody):
    """Ids of alerts, and the reason."""

    alerts: _Alerts
    why: _Comment = ""


class CommentRequest(RequestBody):
    """Ids of alerts, and the comment."""

    alerts: _Alerts
    text: str


@dataclass(frozen=True)
class ActionRunner:
    """Run an action of the caller, record it in the audit trail, and return the alerts as they are afterwards."""

    context: ApiContext
    service: AlertService
    by: str

    async def run(self, act: str, alerts: Sequence[str], action: Callable[[], object], text: str) -> Response:
        """Raise Problem (400 or 409) when the action is refused."""

        def work() -> Response:
            with refusals_as_problems():
                action()
            self._note(f"alert.{act}", alerts, text)
            present = [alert for name in alerts if (alert := self.service.alert(name)) is not None]
            return JsonResponse(alert_list_shape(self.service, present, self.context.clock.now()))

        return await self.context.threads.run(work)

    def _note(self, act: str, alerts: Sequence[str], text: str) -> None:
        trail = self.context.people.trail
        if len(alerts) <= _MAX_TRAIL_ENTRIES:
            for name in alerts:
                trail.note(self.by, act, name, {"text": text})
        else:
            trail.note(self.by, act, f"{len(alerts)} alerts", {"text": text, "alerts": " ".join(alerts)})


async def get_runner(context: Context, service: Alerts, request: Request) -> ActionRunner:
    """Return a runner for actions of the caller."""
    return ActionRunner(context, service, caller_of(request).name)


Runner = Annotated[ActionRunner, Depends(get_runner)]


@router.post("/acknowledge", response_model=AlertListShape)
async def acknowledge_alerts(runner: Runner, body: AcknowledgeRequest) -> Response:
    """Acknowledge alerts. 409 when somebody has acknowledged one already, 400 when one has ended."""
    return await runner.run(
        "acknowledge",
        body.alerts,
        lambda: actions.acknowledge(runner.service, body.alerts, runner.by, body.note),
        body.note,
    )


@router.post("/unacknowledge", response_model=AlertListShape)
async def unacknowledge_alerts(runner: Runner, body: AcknowledgeRequest) -> Response:
    """Take an acknowledgement back. 409 when nobody has acknowledged one of the alerts."""
    return await runner.run(
        "unacknowledge",
        body.alerts,
        lambda: actions.unacknowledge(runner.service, body.alerts, runner.by, body.note),
        body.note,
    )


@router.post("/shelve", response_model=AlertListShape)
async def shelve_alerts(runner: Runner, body: ShelveRequest) -> Response:
    """Keep alerts quiet until a time, at most 30 days from now. A reason is required."""
    until_ms = body.end_ms(runner.context.clock.now())
    return await runner.run(
        "shelve",
        body.alerts,
        lambda: actions.shelve(runner.service, body.alerts, until_ms, runner.by, body.why, body.ends_on_resolve),
        body.why,
    )


@router.post("/unshelve", response_model=AlertListShape)
async def unshelve_alerts(runner: Runner, body: AcknowledgeRequest) -> Response:
    """End a shelving now. 400 when one of the alerts is not shelved."""
    return await runner.run(
        "unshelve",
        body.alerts,
        lambda: actions.unshelve(runner.service, body.alerts, runner.by, body.note),
        body.note,
    )


@router.post("/close", response_model=AlertListShape)
async def close_external_alerts(runner: Runner, body: CloseRequest) -> Response:
    """End alerts of other systems that their sender will not end. A reason is required. 400 for one of our own."""
    return await runner.run(
        "close",
        body.alerts,
        lambda: external_intake.close(runner.service, body.alerts, runner.by, body.why),
        body.why,
    )


@router.post("/comment", response_model=AlertListShape)
async def comment_on_alerts(runner: Runner, body: CommentRequest) -> Response:
    """Comment on alerts, also on those that have ended."""
    return await runner.run(
        "comment",
        body.alerts,
        lambda: actions.comment(runner.service, body.alerts, runner.by, body.text),
        body.text,
    )
