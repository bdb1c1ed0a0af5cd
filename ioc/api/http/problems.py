"""Errors as problems (RFC 9457, `application/problem+json`): a sentence in `detail`, fields at fault in `errors`."""

import errno
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, cast

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from ioc.api.schemas.problems import ErrorShape, ProblemShape
from ioc.clock import rfc3339
from ioc.errors import BatchMalformed, ConfigurationInvalid, IocError, SourceUnavailable, SpoolFull, StoreUnavailable
from ioc.messages import Message, is_code
from ioc.model.fault import Fault
from ioc.store.replays import ReplayNotTaken

log = logging.getLogger("ioc.api")

RETRY_AFTER_S = 5
_OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.EROFS)
_STATUS = {
    BatchMalformed: 400,
    ConfigurationInvalid: 409,
    SourceUnavailable: 503,
    SpoolFull: 503,
    StoreUnavailable: 503,
    ReplayNotTaken: 503,
}
_STATUS_CODES = {404: "nothing_here", 405: "method_not_taken"}
UNEXPECTED = Message("unexpected")


class FieldFault(NamedTuple):
    """What is wrong with one field; "" stands for the request as a whole."""

    field: str
    message: Message

    def shape(self) -> ErrorShape:
        """Return the JSON, with the code and parameters of the message."""
        named = {"field": self.field, "message": str(self.message)}
        return cast(ErrorShape, named | Message.of(self.message).shape())


class Problem(Exception):
    """Answer the request with a problem. `detail` is a sentence for the person; `more` are further members."""

    def __init__(
        self,
        status: int,
        detail: Message,
        errors: Sequence[tuple[str, Message] | FieldFault | Fault] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers
        self.more = more


def invalid_field(field: str, message: Message) -> Problem:
    """Return the problem (400) for one wrong field or parameter."""
    return Problem(400, message, [FieldFault(field, message)])


def unavailable(failure: Exception) -> Message | None:
    """Return the message for a temporary failure of the machine (disk full, no descriptors left), else None."""
    if isinstance(failure, OSError) and failure.errno in _OF_THE_MACHINE:
        return Message("machine_exhausted", reason=failure.strerror or repr(failure))
    if isinstance(failure, sqlite3.OperationalError):
        return Message("file_unusable", reason=str(failure))
    return None


def answer(
    request_path: str,
    status: int,
    detail: Message,
    errors: Sequence[tuple[str, Message] | FieldFault | Fault] = (),
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """Return the response for a problem. Without `errors` it has one for the request as a whole."""
    errors = errors or [FieldFault("", detail)]
    body: ProblemShape = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request_path,
        "errors": [_error_shape(error) for error in errors],
    }
    return Response(orjson.dumps({**body, **(more or {})}), status, dict(headers or {}), "application/problem+json")


def _invalid_field(row: Mapping[str, Any]) -> tuple[str, Message]:
    """Return the path of a field that Pydantic refused, and what is wrong with it."""
    field = ".".join(str(part) for part in row["loc"][1:])
    code = f"invalid_{row['type']}"
    if not is_code(code):
        return field, Message("invalid_other", detail=str(row["msg"]))
    return field, Message(code, **(row.get("ctx") or {}))


def _error_shape(error: tuple[str, Message] | FieldFault | Fault) -> ErrorShape:
    if isinstance(error, Fault):
        shape = FieldFault("", error.message).shape()
        shape["since"] = rfc3339(error.since)
        return shape
    return FieldFault(*error).shape()


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem."""

    async def of_problem(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, Problem)
        return answer(request.url.path, fault.status, fault.detail, fault.errors, fault.headers, fault.more)

    async def of_http(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, HTTPException)
        code = _STATUS_CODES.get(fault.status_code)
        message: object = Message(code) if code else fault.detail
        if not isinstance(message, Message):
            message = Message("http_refused", detail=str(message))
        return answer(request.url.path, fault.status_code, message, headers=fault.headers)

    async def of_validation(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, RequestValidationError)
        errors = [_invalid_field(row) for row in fault.errors()]
        field, message = errors[0]
        return answer(request.url.path, 422, Message("request_invalid", field=field, fault=message), errors)

    async def of_centre(request: Request, fault: Exception) -> Response:
        status = next((status for kind, status in _STATUS.items() if isinstance(fault, kind)), 500)
        headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else None
        assert isinstance(fault, IocError)
        if status == 500:
            log.error("%s: %s", request.url.path, fault)
        return answer(request.url.path, status, fault.message, headers=headers)

    app.add_exception_handler(Problem, of_problem)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(RequestValidationError, of_validation)
    app.add_exception_handler(IocError, of_centre)
