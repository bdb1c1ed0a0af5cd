"""Faults of the server's parts as JSON."""

from typing import Any, NotRequired, cast

from typing_extensions import TypedDict

from ioc.api.schemas.times import time_text
from ioc.model.fault import Fault


class FaultShape(TypedDict):
    """A fault. `code` and `params` allow a page to show it in any language; `detail` is the English sentence.

    `nested` has code and parameters of a parameter that is a message itself.
    """

    code: str
    params: dict[str, Any]
    detail: str
    since: str
    nested: NotRequired[dict[str, Any]]


def fault_shape(fault: Fault) -> FaultShape:
    """Return the JSON of a fault."""
    return cast(FaultShape, {**fault.message.shape(), "detail": fault.detail, "since": time_text(fault.since)})
