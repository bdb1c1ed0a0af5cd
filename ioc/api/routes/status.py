"""GET /api/v1/status: what is wrong with the centre, for every page; GET /api/v1/doctor: all that was examined."""

from typing import Any, NotRequired

from fastapi import APIRouter, Response
from typing_extensions import TypedDict

from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.threads import WorkerThreads
from ioc.api.schemas.shapes import CodedFaultShape, coded_fault


class StatusShape(TypedDict):
    faults: list[CodedFaultShape]
    notices: list[CodedFaultShape]


class FindingShape(TypedDict):
    part: str
    code: str
    level: str
    params: dict[str, Any]
    nested: NotRequired[dict[str, Any]]
    text: dict[str, str]


class DoctorShape(TypedDict):
    findings: list[FindingShape]


def routes(centre: ApiContext, threads: WorkerThreads) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["operation"])

    @router.get("/status", response_model=StatusShape)
    async def status() -> Response:
        """`faults` keep the centre from its work (`/readyz` is 503 then); `notices` do not, but a person has to mend
        them. Both are sentences with a code, the oldest first."""

        def read() -> Response:
            return JsonResponse(
                {
                    "faults": [coded_fault(fault) for fault in centre.faults()],
                    "notices": [coded_fault(fault) for fault in centre.notices()],
                }
            )

        return await threads.run(read)

    @router.get("/doctor", response_model=DoctorShape)
    async def doctor() -> Response:
        """State of every process, file, topic, disk, snapshot and archive, the worst first, as `ioc doctor` gives it.
        `level` is bad (needs a person), note or good."""
        return await threads.run(lambda: JsonResponse({"findings": list(centre.examine())}))

    return router
