"""GET /api/v1/ledger: the account of everything that came in."""

from fastapi import APIRouter, Response

from ioc.api.answers import Json
from ioc.api.centre import Centre
from ioc.api.shapes import LedgerShape, ledger_shape
from ioc.api.threads import Threads


def routes(centre: Centre, threads: Threads) -> APIRouter:
    router = APIRouter(prefix="/api/v1/ledger", tags=["sources"])

    @router.get("", response_model=LedgerShape)
    async def ledger() -> Response:
        """For each source received = applied + duplicate + rejected + in_flight; gaps are [from, to) offsets."""
        return await threads.run(lambda: Json(ledger_shape(centre.ledger())))

    return router
