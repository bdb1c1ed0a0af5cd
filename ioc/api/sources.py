"""GET /api/v1/sources: every source and its state."""

from fastapi import APIRouter, Response
from typing_extensions import TypedDict

from ioc.api.answers import Json
from ioc.api.centre import Centre
from ioc.api.shapes import SourceShape, source_shape
from ioc.api.threads import Threads


class SourceList(TypedDict):
    sources: list[SourceShape]


def routes(centre: Centre, threads: Threads) -> APIRouter:
    router = APIRouter(prefix="/api/v1/sources", tags=["sources"])

    @router.get("", response_model=SourceList)
    async def sources() -> Response:
        """Last success, lag, rate, counts and what is wrong, by name of the source."""

        def read() -> Response:
            states = sorted(centre.sources(), key=lambda state: state.source)
            return Json({"sources": [source_shape(state) for state in states]})

        return await threads.run(read)

    return router
