"""Error answers of the lab: a problem with DuckDB's message and its position in the SQL."""

from __future__ import annotations

import logging
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response

from ioc.api.http.problems import RETRY_AFTER_S, UNEXPECTED, answer
from ioc.errors import IocError
from ioc.lab.fair_queue import QueueFull
from ioc.lab.job_process import ComputationFailed, LabBusy
from ioc.lab.publishing.publish import PublishingFailed
from ioc.lab.query import NothingPublished
from ioc.lab.results import RenderingFailed
from ioc.lab.sandbox.process import SandboxEnded
from ioc.messages import Message

log = logging.getLogger("ioc.lab")

_STATUS: dict[type[IocError], int] = {
    QueueFull: 429,
    LabBusy: 429,
    NothingPublished: 503,
    PublishingFailed: 503,
    SandboxEnded: 503,
    ComputationFailed: 503,
    RenderingFailed: 422,
}
_OF_KIND = {"sql": 422, "memory": 422, "process": 422, "time": 408, "too_large": 413}


def problem_of(request: Request, error: dict[str, Any], kind: str) -> Response:
    """Return the problem for a failed query.

    `errors` holds the position: line and column, both from 1, or null where DuckDB gives none.
    """
    message = Message.of_shape(error) if error.get("code") else None
    response = answer(request.url.path, _OF_KIND.get(kind, 422), message or Message.of(error["message"]))
    body = orjson.loads(response.body)
    position = {"line": error["line"], "column": error["column"]}
    body["errors"] = [{**body["errors"][0], "message": error["message"], **position}]
    return Response(orjson.dumps(body), response.status_code, media_type="application/problem+json")


async def unexpected(request: Request, fault: Exception) -> Response:
    """Answer an unforeseen error: the client gets a sentence, the log gets the traceback."""
    log.error("%s %s", request.method, request.url.path, exc_info=fault)
    return answer(request.url.path, 500, UNEXPECTED)


def install(app: FastAPI) -> None:
    async def of_lab(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, IocError)
        status = _STATUS[type(fault)]
        headers = {"Retry-After": str(RETRY_AFTER_S)} if status in (429, 503) else None
        return answer(request.url.path, status, fault.message, headers=headers)

    async def of_anything(request: Request, _fault: Exception) -> Response:
        return answer(request.url.path, 500, UNEXPECTED)

    app.add_exception_handler(Exception, of_anything)  # uvicorn logs it
    for kind in _STATUS:
        app.add_exception_handler(kind, of_lab)
