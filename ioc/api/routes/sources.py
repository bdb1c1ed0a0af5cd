"""GET /api/v1/sources: every source and its state; POST …/{source}/replay: read again what was refused."""

from fastapi import APIRouter, Request, Response
from typing_extensions import TypedDict

from ioc.api.auth.bearer import SOURCE_NAME
from ioc.api.auth.middleware import caller_of
from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem
from ioc.api.http.refusals import RequestBody
from ioc.api.http.threads import WorkerThreads
from ioc.api.http.times import parse_time
from ioc.api.schemas.shapes import SourceShape, source_shape
from ioc.messages import Message

MAX_LISTED = 100


class SourceList(TypedDict):
    sources: list[SourceShape]


class Replay(RequestBody):
    """`since`: only what was refused from then on (RFC 3339); null: all that is kept."""

    since: str | None = None


class StillRefused(TypedDict):
    key: str
    reason: str
    message: str


class NotReplayable(TypedDict):
    key: str
    message: str


class Replayed(TypedDict):
    """`replayed` were received again, `duplicates` of them had come by themselves meanwhile. Of the others at most
    MAX_LISTED each are listed, `…_count` is of all. `files` were put back into the folder of the source."""

    source: str
    replayed: int
    duplicates: int
    refused: list[StillRefused]
    refused_count: int
    not_replayable: list[NotReplayable]
    not_replayable_count: int
    files: list[str]


def routes(centre: ApiContext, threads: WorkerThreads) -> APIRouter:
    router = APIRouter(prefix="/api/v1/sources", tags=["sources"])

    @router.get("", response_model=SourceList)
    async def sources() -> Response:
        """Last success, lag, rate, counts and what is wrong, by name of the source."""

        def read() -> Response:
            states = sorted(centre.sources(), key=lambda state: state.source)
            return JsonResponse({"sources": [source_shape(state) for state in states]})

        return await threads.run(read)

    @router.post("/{source}/replay", response_model=Replayed)
    async def replay(request: Request, source: str, given: Replay) -> Response:
        """Read again what was refused, with mapping and catalogue as they are now. Each record counts once, however
        often it is asked for; what is still unfit stays refused."""
        by = caller_of(request).name
        since = parse_time("since", given.since) if given.since is not None else None
        if not SOURCE_NAME.fullmatch(source) or source not in {state.source for state in centre.sources()}:
            raise Problem(404, Message("no_source", given=source[:80]))

        def work() -> Response:
            outcome = centre.replay(source, since, by)
            counts = {"replayed": outcome.replayed, "refused": len(outcome.refused)}
            centre.people.trail.note(by, "source.replay", source, counts)
            refused: list[StillRefused] = [
                {"key": key, "reason": reason, "message": message} for key, reason, message in outcome.refused
            ]
            impossible: list[NotReplayable] = [{"key": key, "message": why} for key, why in outcome.not_replayable]
            shape: Replayed = {
                "source": source,
                "replayed": outcome.replayed,
                "duplicates": outcome.duplicates,
                "refused": refused[:MAX_LISTED],
                "refused_count": len(refused),
                "not_replayable": impossible[:MAX_LISTED],
                "not_replayable_count": len(impossible),
                "files": outcome.files,
            }
            return JsonResponse(shape)

        return await threads.run(work)

    return router
