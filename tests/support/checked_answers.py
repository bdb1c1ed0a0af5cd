"""Compare every JSON answer in the tests with the OpenAPI document: a field that the document does not have, a missing
field or another type fails the test that met it.

`CheckedTransport` does it for apps in the test process, `check_answer` for answers of a running centre.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx
import jsonschema_rs
import orjson

from ioc.api.app import describe
from ioc.api.auth.permissions import UnknownAddress, find_entry
from ioc.lab.app import describe as describe_lab

NOT_DESCRIBED = ("/openapi.json",)
PROBLEM = "application/problem+json"


class CheckedTransport(httpx.ASGITransport):
    """Sends requests to an app, and checks its answers."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        raw = b"".join([piece async for piece in response.stream])
        whole = httpx.Response(response.status_code, headers=response.headers, content=raw)
        check_answer(request.method, request.url.path, whole.status_code, whole.headers, whole.content)
        return httpx.Response(whole.status_code, headers=whole.headers, stream=httpx.ByteStream(raw))


def check_answer(method: str, path: str, status: int, headers: Mapping[str, str], content: bytes) -> None:
    """Raise AssertionError when a JSON answer is not as the document says. Other answers pass."""
    kind = headers.get("content-type", "").partition(";")[0]
    if method == "HEAD" or not content or not (kind == "application/json" or kind.endswith("+json")):
        return
    if status >= 400:
        assert kind == PROBLEM, f"{method} {path} answered {status} with {kind}"
        validator = validator_of("problem", PROBLEM)
    elif path in NOT_DESCRIBED:
        return
    else:
        operation = operation_of(method, path)
        assert operation is not None, f"{method} {path} is not described"
        validator = validator_of(f"{operation} {status}", kind)
    assert validator is not None, f"{method} {path}: {status} as {kind} is not described"
    for error in validator.iter_errors(orjson.loads(content)):
        where = "/".join(map(str, error.instance_path))
        raise AssertionError(f"{method} {path} {status}, at {where or 'the top'}: {error.message[:500]}")


@cache
def document() -> dict[str, Any]:
    """The document of centre and lab, in which no object may have other fields than those described."""
    return closed(describe(describe_lab))


@cache
def operations() -> dict[str, dict[str, Any]]:
    """Operations by method and path, with nameless parameters."""
    return {
        nameless(f"{method.upper()} {path}"): operation
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }


def operation_of(method: str, path: str) -> str | None:
    """The operation that answers a request; a centre below a path of its own has a segment before it."""
    for candidate in (path, re.sub("^/[^/]+", "", path)):
        try:
            name = nameless(find_entry(method, candidate))
        except UnknownAddress:
            continue
        return name if name in operations() else None
    return None


def nameless(entry: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", entry)


@cache
def validator_of(answer: str, kind: str) -> Any:
    """The validator of an operation's answer (`GET /path 200`), or of a problem; None where it is not described."""
    schema: Any = {"$ref": "#/components/schemas/ProblemShape"}
    if answer != "problem":
        operation, _, status = answer.rpartition(" ")
        responses = operations()[operation]["responses"]
        schema = responses.get(status, {}).get("content", {}).get(kind, {}).get("schema")
    if schema is None:
        return None
    return jsonschema_rs.validator_for({**schema, "components": document()["components"]})


def closed(schema: Any) -> Any:
    """The schema, with no other properties in objects whose properties are listed."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(one) for name, one in schema.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        inner.setdefault("additionalProperties", False)
    return inner
