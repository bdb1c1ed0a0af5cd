"""Who asks: the centre's gate has let them through and says who they are."""

from dataclasses import dataclass

from fastapi import Request

from ioc.api.auth.forwarded import CALLER_HEADER, PERMISSIONS_HEADER


@dataclass(frozen=True)
class LabCaller:
    """`name` is empty for somebody who may look without saying who they are; `permissions` are words of Permission."""

    name: str
    permissions: frozenset[str]


def caller_of(request: Request) -> LabCaller:
    """From the headers that the centre sets; those of the client itself never come this far."""
    permissions = request.headers.get(PERMISSIONS_HEADER, "")
    return LabCaller(
        request.headers.get(CALLER_HEADER, "").encode("latin-1").decode("utf-8", "replace"),
        frozenset(word for word in permissions.split(",") if word),
    )
