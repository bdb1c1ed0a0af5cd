"""Call the API of the running centre on this machine, as the administrator."""

from typing import Any

import httpx

from ioc.errors import IocError
from ioc.messages import Message
from ioc.settings import Settings


class NoCentreRuns(IocError):
    """No centre accepts connections on this machine."""


def call_centre(
    settings: Settings, method: str, path: str, body: dict[str, Any] | None = None, timeout_s: float = 30.0
) -> Any:
    """Return the JSON of the centre's answer.

    Raises NoCentreRuns, and IocError with the centre's own sentence when it refuses, or when it does not answer.
    """
    address = f"http://127.0.0.1:{settings.http_port}{path}"
    headers = {"Authorization": f"Bearer {settings.admin_token()}"}
    try:
        answer = httpx.request(method, address, json=body, headers=headers, timeout=timeout_s)
    except httpx.HTTPError as fault:
        kind = NoCentreRuns if isinstance(fault, httpx.ConnectError) else IocError
        raise kind(Message("centre_no_answer", address=address, reason=str(fault))) from fault
    if answer.is_error:
        raise IocError(_refusal(answer))
    return answer.json()


def _refusal(answer: httpx.Response) -> Message:
    """Return the message of an answer that is a problem: by its code, else in the centre's own words."""
    try:
        problem = answer.json()
        detail = str(problem["detail"])
        errors = problem.get("errors") or [{}]
        return (Message.of_shape(errors[0]) if errors[0].get("code") else None) or Message.of(detail)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Message("centre_answered", status=answer.status_code, text=answer.text[:200])
