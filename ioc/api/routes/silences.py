"""/api/v1/silences: some alerts make no noise for a time, by a person, for a reason."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ioc.alert_service import actions
from ioc.alert_service.actions import SilenceRequest
from ioc.alerts.labels import LabelTable
from ioc.alerts.silences import Silence
from ioc.api.auth.middleware import caller_of
from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem
from ioc.api.http.refusals import EndTime, RequestBody, refusals_as_problems
from ioc.api.http.threads import WorkerThreads
from ioc.api.http.times import parse_time
from ioc.clock import from_ms, rfc3339, to_ms
from ioc.messages import Message
from ioc.model.matcher import Matchers, parse_matchers


class NewSilence(EndTime):
    matchers: list[str] = Field(max_length=20)
    begins: str | None = Field(None, alias="from")
    why: str = Field("", max_length=4_000)
    ends_on_resolve: bool = False


class Meant(RequestBody):
    matchers: list[str] = Field(max_length=20)


def routes(centre: ApiContext, threads: WorkerThreads) -> APIRouter:
    router = APIRouter(prefix="/api/v1/silences", tags=["alerts"])
    service = centre.alerting.service

    def met(matchers: Matchers) -> list[str]:
        alerts = list(service.state.alerts.values())
        mask = LabelTable.of_rows([alert.labels for alert in alerts]).matching(matchers)
        return [alert.id for alert, hit in zip(alerts, mask.tolist(), strict=True) if hit]

    def shape(one: Silence) -> dict[str, Any]:
        now_ms = to_ms(centre.clock.now())
        alerts = met(one.matchers) if one.holds_at(now_ms) else []
        return {
            "id": one.id,
            "matchers": [str(matcher) for matcher in one.matchers],
            "state": one.condition(now_ms),
            "from": rfc3339(from_ms(one.from_ms)),
            "until": rfc3339(from_ms(one.until_ms)),
            "by": one.by,
            "why": one.why,
            "created_at": rfc3339(from_ms(one.created_ms)),
            "ends_on_resolve": one.ends_on_resolve,
            "ended_at": None if one.ended_ms is None else rfc3339(from_ms(one.ended_ms)),
            "ended_by": one.ended_by,
            "alerts": alerts,
            "matches_nothing": one.holds_at(now_ms) and not alerts,
        }

    @router.get("")
    async def silences(
        expired: Annotated[bool, Query(description="those that are over, too")] = True,
    ) -> dict[str, Any]:
        """Latest first; `state` is waiting, holds or expired, `alerts` those that it keeps quiet now, and
        `matches_nothing` that there is none although it holds."""
        listed = sorted(service.state.silences, key=lambda one: -one.created_ms)
        shapes = [shape(one) for one in listed]
        return {"silences": [one for one in shapes if expired or one["state"] != "expired"]}

    @router.post("", status_code=201)
    async def silence(request: Request, given: NewSilence) -> Response:
        """Refused without an end, a reason or a matcher that says something; at most 30 days."""
        by, until_ms = caller_of(request).name, given.end_ms(centre.clock.now())
        from_ms_ = None if given.begins is None else to_ms(parse_time("from", given.begins))

        def work() -> Response:
            with refusals_as_problems():
                matchers = parse_matchers(given.matchers)
                wanted = SilenceRequest(matchers, from_ms_, until_ms, by, given.why, given.ends_on_resolve)
                made = actions.silence(service, wanted)
            details = {"matchers": ", ".join(given.matchers), "why": given.why, "until": rfc3339(from_ms(until_ms))}
            centre.people.trail.note(by, "silence.add", made.id, details)
            return JsonResponse(shape(made), 201)

        return await threads.run(work)

    @router.post("/check")
    async def check(given: Meant) -> dict[str, Any]:
        """The alerts that these matchers mean now; nothing is changed. `matchers` says of how many alerts each holds by
        itself, so that a page can name the one that holds for none. Ask before a silence is saved: with a `count` of 0
        it would keep nothing quiet now."""
        with refusals_as_problems():
            matchers = parse_matchers(given.matchers)
        labels = [alert.labels for alert in service.state.alerts.values()]
        table = LabelTable.of_rows(labels)
        counts = [{"matcher": str(one), "count": int(table.matching((one,)).sum())} for one in matchers]
        found = met(matchers)
        return {"count": len(found), "of": len(labels), "alerts": found[:100], "matchers": counts}

    @router.get("/{silence_id}")
    async def one(silence_id: str) -> dict[str, Any]:
        for present in service.state.silences:
            if present.id == silence_id:
                return shape(present)
        raise Problem(404, Message("no_silence", given=silence_id[:80]))

    @router.delete("/{silence_id}")
    async def end(request: Request, silence_id: str) -> Response:
        """It ends now, and stays on record; 409 when it is over already."""
        by = caller_of(request).name

        def work() -> Response:
            with refusals_as_problems():
                ended = actions.end_silence(service, silence_id, by)
            centre.people.trail.note(by, "silence.end", silence_id)
            return JsonResponse(shape(ended))

        return await threads.run(work)

    return router
