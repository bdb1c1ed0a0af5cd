"""GET /api/v1/ledger: the account of everything that came in; POST /api/v1/ledger/archive: verify the archive."""

from fastapi import APIRouter, Response

from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.threads import WorkerThreads
from ioc.api.schemas.shapes import ArchiveShape, LedgerShape, coded_fault, ledger_shape


def routes(centre: ApiContext, threads: WorkerThreads) -> APIRouter:
    router = APIRouter(prefix="/api/v1/ledger", tags=["sources"])

    @router.get("", response_model=LedgerShape)
    async def ledger() -> Response:
        """For each source received = applied + duplicate + rejected + in_flight; gaps are [from, to) offsets."""
        return await threads.run(lambda: JsonResponse(ledger_shape(centre.ledger())))

    @router.post("/archive", response_model=ArchiveShape)
    async def verify_archive() -> Response:
        """Read every file of the archive and compare it with its digest; `faults` names those that are damaged."""
        report = await threads.run(centre.verify_archive)
        faults = [coded_fault(fault) for fault in report.faults]
        return JsonResponse(ArchiveShape(files=report.files, size_bytes=report.size_bytes, faults=faults))

    return router
