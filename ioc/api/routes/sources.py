"""GET /api/v1/sources: the state of every source. POST …/{source}/replay: read its refused records again."""

from fastapi import APIRouter, Request, Response
from typing_extensions import TypedDict

from ioc.api.auth.bearer import SOURCE_NAME
from ioc.api.auth.middleware import caller_of
from ioc.api.context import Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem
from ioc.api.http.request_models import RequestBody
from ioc.api.http.times import parse_time
from ioc.api.schemas.sources import SourceShape, source_shape
from ioc.messages import Message
from ioc.store.replays import ReplayOutcome

router = APIRouter(prefix="/api/v1/sources", tags=["sources"])

MAX_LISTED = 100


class SourceListShape(TypedDict):
    """Sources by name."""

    sources: list[SourceShape]


class SourceReplayRequest(RequestBody):
    """Which records to read again: those refused at or after `since` (RFC 3339), or all that are kept (null)."""

    since: str | None = None


class StillRefusedShape(TypedDict):
    """A record that was refused again."""

    key: str
    reason: str
    message: str


class NotReplayableShape(TypedDict):
    """A record that cannot be read again, and why."""

    key: str
    message: str


class ReplayShape(TypedDict):
    """The outcome of a replay.

    `replayed` records were received again; `duplicates` of them had arrived meanwhile. At most 100 of the others are
    listed of each kind; `…_count` counts all of them. `files` were put back into the folder of the source.
    """

    source: str
    replayed: int
    duplicates: int
    refused: list[StillRefusedShape]
    refused_count: int
    not_replayable: list[NotReplayableShape]
    not_replayable_count: int
    files: list[str]


@router.get("", response_model=SourceListShape)
async def list_sources(context: Context) -> Response:
    """Return the state of every source: last success, lag, rate, counts and the present fault, by name."""

    def read() -> Response:
        states = sorted(context.sources(), key=lambda state: state.source)
        return JsonResponse({"sources": [source_shape(state) for state in states]})

    return await context.threads.run(read)


@router.post("/{source}/replay", response_model=ReplayShape)
async def replay_source(context: Context, request: Request, source: str, body: SourceReplayRequest) -> Response:
    """Read refused records again with the present mapping and catalogue.

    However often it is requested, each record counts once. A record that is still invalid stays refused.
    """
    by = caller_of(request).name
    since = parse_time("since", body.since) if body.since is not None else None
    if not SOURCE_NAME.fullmatch(source) or source not in {state.source for state in context.sources()}:
        raise Problem(404, Message("no_source", given=source[:80]))

    def replay() -> Response:
        outcome = context.replay(source, since, by)
        counts = {"replayed": outcome.replayed, "refused": len(outcome.refused)}
        context.people.trail.note(by, "source.replay", source, counts)
        return JsonResponse(_replay_shape(source, outcome))

    return await context.threads.run(replay)


def _replay_shape(source: str, outcome: ReplayOutcome) -> ReplayShape:
    return {
        "source": source,
        "replayed": outcome.replayed,
        "duplicates": outcome.duplicates,
        "refused": [
            {"key": key, "reason": reason, "message": message} for key, reason, message in outcome.refused[:MAX_LISTED]
        ],
        "refused_count": len(outcome.refused),
        "not_replayable": [{"key": key, "message": why} for key, why in outcome.not_replayable[:MAX_LISTED]],
        "not_replayable_count": len(outcome.not_replayable),
        "files": outcome.files,
    }
