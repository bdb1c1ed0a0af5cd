"""GET /api/v1/status: present faults, for every page. GET /api/v1/doctor: an examination of the whole machine."""

from typing import Any, Literal

from fastapi import APIRouter, Response
from typing_extensions import TypedDict

from ioc.api.context import Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.schemas.faults import FaultShape, fault_shape

router = APIRouter(prefix="/api/v1", tags=["operation"])


class StatusShape(TypedDict):
    """Present faults and notices, the oldest first."""

    faults: list[FaultShape]
    notices: list[FaultShape]


class FindingShape(TypedDict):
    """A finding about a part: `bad` needs a person. `text` is the sentence by language."""

    part: str
    code: str
    level: Literal["bad", "note", "good"]
    params: dict[str, Any]
    text: dict[str, str]


class DoctorShape(TypedDict):
    """Findings, the worst first."""

    findings: list[FindingShape]


@router.get("/status", response_model=StatusShape)
async def get_status(context: Context) -> Response:
    """Return what is wrong now.

    `faults` keep the centre from working (`/readyz` is then 503); `notices` do not, but need a person. The oldest
    come first.
    """

    def read() -> Response:
        faults = [fault_shape(fault) for fault in context.faults()]
        return JsonResponse({"faults": faults, "notices": [fault_shape(notice) for notice in context.notices()]})

    return await context.threads.run(read)


@router.get("/doctor", response_model=DoctorShape)
async def run_doctor(context: Context) -> Response:
    """Examine every process, file, topic, disk, snapshot and archive, as `ioc doctor` does. The worst come first."""
    return await context.threads.run(lambda: JsonResponse({"findings": list(context.examine())}))
