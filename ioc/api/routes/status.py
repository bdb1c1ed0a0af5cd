"""GET /api/v1/status: what is wrong with the centre, for every page; GET /api/v1/doctor: all that was examined."""

from typing import Any

from fastapi import APIRouter, Response
from typing_extensions import TypedDict

from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.threads import WorkerThreads
from ioc.clock import rfc3339
from ioc.model.fault import Fault


class FaultShape(TypedDict):
    code: str
    params: dict[str, Any]
    detail: str
    since: str


class StatusShape(TypedDict):
    faults: list[FaultShape]
    notices: list[FaultShape]


class FindingShape(TypedDict):
    part: str
    code: str
    level: str
    params: dict[str, Any]
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
            return JsonResponse({"faults": _shapes(centre.faults()), "notices": _shapes(centre.notices())})

        return await threads.run(read)

    @router.get("/doctor", response_model=DoctorShape)
    async def doctor() -> Response:
        """State of every process, file, topic, disk, snapshot and archive, the worst first, as `ioc doctor` gives it.
        `level` is bad (needs a person), note or good."""
        return await threads.run(lambda: JsonResponse({"findings": list(centre.examine())}))

    return router


def _shapes(faults: tuple[Fault, ...]) -> list[FaultShape]:
    return [
        {"code": fault.code, "params": dict(fault.params), "detail": fault.detail, "since": rfc3339(fault.since)}
        for fault in faults
    ]
