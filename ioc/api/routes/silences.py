"""/api/v1/silences: keep matching alerts quiet for a time."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from typing_extensions import TypedDict

from ioc.alert_service import actions
from ioc.alert_service.actions import SilenceRequest
from ioc.alert_service.service import AlertService
from ioc.alerts.labels import LabelTable
from ioc.alerts.silences import Silence
from ioc.api.auth.middleware import caller_of
from ioc.api.context import Alerts, Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem
from ioc.api.http.refusals import refusals_as_problems
from ioc.api.http.request_models import EndTime, RequestBody
from ioc.api.http.times import parse_time
from ioc.clock import from_ms, rfc3339, to_ms
from ioc.messages import Message
from ioc.model.matcher import Matchers, parse_matchers

router = APIRouter(prefix="/api/v1/silences", tags=["alerts"])

MAX_MATCHED = 100


class NewSilenceRequest(EndTime):
    """A new silence. It starts at `from` (now without it) and ends at `until` or after `for`; at most 30 days.

    `ends_on_resolve`: it also ends once all alerts that it matched have ended.
    """

    matchers: list[str] = Field(max_length=20)
    begins: str | None = Field(None, alias="from")
    why: str = Field("", max_length=4_000)
    ends_on_resolve: bool = False


class MatchersRequest(RequestBody):
    """Matchers to try."""

    matchers: list[str] = Field(max_length=20)


SilenceShape = TypedDict(
    "SilenceShape",
    {
        "id": str, "matchers": list[str], "state": Literal["waiting", "holds", "expired"], "from": str, "until": str,
        "by": str, "why": str, "created_at": str, "ends_on_resolve": bool, "ended_at": str | None, "ended_by": str,
        "alerts": list[str], "matches_nothing": bool,
    },
)  # fmt: skip
"""A silence. `alerts` are the ids that it keeps quiet now; `matches_nothing`: it is in force and there are none."""


class SilenceListShape(TypedDict):
    """Silences, the latest first."""

    silences: list[SilenceShape]


class MatcherCountShape(TypedDict):
    """How many present alerts one matcher matches by itself."""

    matcher: str
    count: int


class MatchShape(TypedDict):
    """Matches among present alerts: `count` of `of`; `alerts` are the first 100 ids."""

    count: int
    of: int
    alerts: list[str]
    matchers: list[MatcherCountShape]


@router.get("", response_model=SilenceListShape)
async def list_silences(
    context: Context,
    service: Alerts,
    expired: Annotated[bool, Query(description="include expired silences")] = True,
) -> Response:
    """Return silences, the latest first."""
    now_ms = to_ms(context.clock.now())
    listed = sorted(service.state.silences, key=lambda one: -one.created_ms)
    shapes = [_shape(service, one, now_ms) for one in listed]
    return JsonResponse({"silences": [one for one in shapes if expired or one["state"] != "expired"]})


@router.post("", status_code=201, response_model=SilenceShape)
async def create_silence(context: Context, service: Alerts, request: Request, body: NewSilenceRequest) -> Response:
    """Create a silence. 400 without an end, a reason, or a matcher that excludes something."""
    by, until_ms = caller_of(request).name, body.end_ms(context.clock.now())
    start_ms = None if body.begins is None else to_ms(parse_time("from", body.begins))

    def create() -> Response:
        with refusals_as_problems():
            matchers = parse_matchers(body.matchers)
            wanted = SilenceRequest(matchers, start_ms, until_ms, by, body.why, body.ends_on_resolve)
            made = actions.silence(service, wanted)
        details = {"matchers": ", ".join(body.matchers), "why": body.why, "until": rfc3339(from_ms(until_ms))}
        context.people.trail.note(by, "silence.add", made.id, details)
        return JsonResponse(_shape(service, made, to_ms(context.clock.now())), 201)

    return await context.threads.run(create)


@router.post("/check", response_model=MatchShape)
async def check_matchers(service: Alerts, body: MatchersRequest) -> Response:
    """Return the present alerts that the matchers match; nothing is changed.

    `matchers` counts the matches of each matcher by itself, so that a page can name the one that matches none. With a
    `count` of 0 a silence would keep nothing quiet now.
    """
    with refusals_as_problems():
        matchers = parse_matchers(body.matchers)
    labels = [alert.labels for alert in service.state.alerts.values()]
    table = LabelTable.of_rows(labels)
    counts = [{"matcher": str(one), "count": int(table.matching((one,)).sum())} for one in matchers]
    found = _matched(service, matchers)
    return JsonResponse({"count": len(found), "of": len(labels), "alerts": found[:MAX_MATCHED], "matchers": counts})


@router.get("/{silence_id}", response_model=SilenceShape)
async def get_silence(context: Context, service: Alerts, silence_id: str) -> Response:
    """Return a silence."""
    for present in service.state.silences:
        if present.id == silence_id:
            return JsonResponse(_shape(service, present, to_ms(context.clock.now())))
    raise Problem(404, Message("no_silence", given=silence_id[:80]))


@router.delete("/{silence_id}", response_model=SilenceShape)
async def end_silence(context: Context, service: Alerts, request: Request, silence_id: str) -> Response:
    """End a silence now. It stays on record. 409 when it has ended already."""
    by = caller_of(request).name

    def end() -> Response:
        with refusals_as_problems():
            ended = actions.end_silence(service, silence_id, by)
        context.people.trail.note(by, "silence.end", silence_id)
        return JsonResponse(_shape(service, ended, to_ms(context.clock.now())))

    return await context.threads.run(end)


def _matched(service: AlertService, matchers: Matchers) -> list[str]:
    alerts = list(service.state.alerts.values())
    matches: Sequence[bool] = LabelTable.of_rows([alert.labels for alert in alerts]).matching(matchers).tolist()
    return [alert.id for alert, is_match in zip(alerts, matches, strict=True) if is_match]


def _shape(service: AlertService, silence: Silence, now_ms: int) -> SilenceShape:
    is_in_force = silence.holds_at(now_ms)
    alerts = _matched(service, silence.matchers) if is_in_force else []
    return {
        "id": silence.id,
        "matchers": [str(matcher) for matcher in silence.matchers],
        "state": silence.condition(now_ms),  # type: ignore[typeddict-item]
        "from": rfc3339(from_ms(silence.from_ms)),
        "until": rfc3339(from_ms(silence.until_ms)),
        "by": silence.by,
        "why": silence.why,
        "created_at": rfc3339(from_ms(silence.created_ms)),
        "ends_on_resolve": silence.ends_on_resolve,
        "ended_at": None if silence.ended_ms is None else rfc3339(from_ms(silence.ended_ms)),
        "ended_by": silence.ended_by,
        "alerts": alerts,
        "matches_nothing": is_in_force and not alerts,
    }
