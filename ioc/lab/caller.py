"""The caller of a request, as authenticated by the centre."""

from dataclasses import dataclass

from fastapi import Request

from ioc.api.auth.forwarded import CALLER_HEADER, PERMISSIONS_HEADER


@dataclass(frozen=True)
class LabCaller:
    """A caller and what they may do.

    `name` is empty for an anonymous viewer. `permissions` holds values of `Permission`.
    """

    name: str
    permissions: frozenset[str]


def caller_of(request: Request) -> LabCaller:
    """Read the caller from the headers set by the centre; headers sent by the client are removed there."""
    permissions = request.headers.get(PERMISSIONS_HEADER, "")
    return LabCaller(
        request.headers.get(CALLER_HEADER, "").encode("latin-1").decode("utf-8", "replace"),
        frozenset(word for word in permissions.split(",") if word),
    )
