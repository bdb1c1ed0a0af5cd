"""GET /api/v1/ledger: the account of all records. POST /api/v1/ledger/archive: verify the archive."""

from fastapi import APIRouter, Response

from ioc.api.context import Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.schemas.faults import fault_shape
from ioc.api.schemas.ledger import ArchiveShape, LedgerShape, ledger_shape

router = APIRouter(prefix="/api/v1/ledger", tags=["sources"])


@router.get("", response_model=LedgerShape)
async def get_ledger(context: Context) -> Response:
    """Return the account of every source and partition.

    For each source received = applied + duplicate + rejected + in_flight; gaps are [from, to) offsets.
    """
    return await context.threads.run(lambda: JsonResponse(ledger_shape(context.ledger())))


@router.post("/archive", response_model=ArchiveShape)
async def verify_archive(context: Context) -> Response:
    """Read every file of the archive and compare it with its digest; `faults` names the damaged files."""
    report = await context.threads.run(context.verify_archive)
    faults = [fault_shape(fault) for fault in report.faults]
    return JsonResponse(ArchiveShape(files=report.files, size_bytes=report.size_bytes, faults=faults))
