"""The OpenAPI document: the routes of the centre, those that the lab answers, problems, and ways to authenticate."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from ioc.api.auth.middleware import SESSION_COOKIE
from ioc.api.http.base_path import base_path
from ioc.api.schemas.problems import ProblemShape

DESCRIPTION = """The caller is known by a session cookie, the token of a display, or the admin token. Each address
requires a permission; a push requires the token of its source. Anonymous callers may only look, where the centre
allows it. Times are RFC 3339 in UTC. Errors are `application/problem+json` (RFC 9457)."""

PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem (RFC 9457)",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemShape"}}},
    }
}
"""The description of every error of a route."""
_SECURITY_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "The admin token, or the token of a display"},
    "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
}


def operation_id(route: APIRoute) -> str:
    """Return the name of the route's function, which is unique in the API."""
    return route.name


def describe_problems(document: dict[str, Any]) -> None:
    """Add the schemas of problems to an OpenAPI document."""
    schema = TypeAdapter(ProblemShape).json_schema(ref_template="#/components/schemas/{model}")
    inner = schema.pop("$defs", {})
    document.setdefault("components", {}).setdefault("schemas", {}).update({**inner, "ProblemShape": schema})


def install(app: FastAPI, address: str, describe_lab: Callable[[], Mapping[str, Any]]) -> None:
    """Make `app.openapi` describe the whole API. `address` is the centre's outer address.

    `describe_lab` returns the document of the lab, whose operations are added; it may be slow, and is called once.
    """
    describe = app.openapi
    complete: list[dict[str, Any]] = []

    def openapi() -> dict[str, Any]:
        if not complete:
            document = describe()
            _merge(document, describe_lab())
            describe_problems(document)
            document["components"].setdefault("securitySchemes", {}).update(_SECURITY_SCHEMES)
            document["security"] = [{"token": []}, {"session": []}]
            if base := base_path(address):
                document["servers"] = [{"url": base}]
            complete.append(document)
        return complete[0]

    app.openapi = openapi  # type: ignore[method-assign]


def _merge(document: dict[str, Any], other: Mapping[str, Any]) -> None:
    """Add paths and schemas of `other`. Where both describe an operation or a schema, that of `document` holds."""
    for path, operations in other.get("paths", {}).items():
        known = document["paths"].setdefault(path, {})
        document["paths"][path] = {**operations, **known}
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in other.get("components", {}).get("schemas", {}).items():
        schemas.setdefault(name, schema)
