"""Call the API of the running centre on this machine, as the administrator."""

from typing import Any

import httpx

from ioc.errors import IocError
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
        raise kind(f"The centre does not answer at {address}: {fault}.") from fault
    if answer.is_error:
        raise IocError(_detail(answer))
    return answer.json()


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"The centre answered {answer.status_code}: {answer.text[:200]}"
