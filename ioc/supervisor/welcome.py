"""Print what `ioc up` tells a person: the addresses at once, then that the centre is ready, or what is missing."""

import time
from http.client import HTTPConnection, HTTPException

import click
import orjson

from ioc import cli
from ioc.demo import addresses
from ioc.demo.people import demonstration_accounts
from ioc.messages import Message
from ioc.settings import Settings
from ioc.terminal import in_language, say

READY_WITHIN_S = 180.0
_LOOK_EVERY_S = 0.2


def welcome(settings: Settings, began: float) -> None:
    """Print the addresses, load the demonstration's history if it is not loaded yet, and say when all parts work.

    `began` is when the start began (monotonic seconds).
    """
    for line in addresses_of(settings):
        click.echo(line)
    if settings.demonstration:
        _load_history()
    state = _await_ready(settings.http_port, began)
    for line in next_steps(settings):
        click.echo(line)
    say(Message("welcome_end", state=state))


def addresses_of(settings: Settings) -> list[str]:
    """Return the lines with addresses and folders, which are known before anything has started."""
    address = f"http://127.0.0.1:{settings.http_port}"
    settings.admin_token()
    token = "IOC_ADMIN_TOKEN" if settings.configured_admin_token else str(settings.data_dir / "admin.token")
    return [
        in_language(Message("welcome_wall", address=address)),
        f"API          {address}/docs",
        f"Kafka        {settings.bootstrap()}",
        in_language(Message("welcome_token", token=token)),
        in_language(Message("welcome_data", folder=str(settings.data_dir))),
    ]


def next_steps(settings: Settings) -> list[str]:
    """Return what to do next: how to reach the demonstration's systems, or how to connect the first source."""
    if not settings.demonstration:
        if settings.sources_dir.is_dir() and any(settings.sources_dir.glob("*.toml")):
            return []
        return [in_language(Message("no_sources", folder=str(settings.sources_dir)))]
    lines = [in_language(Message("welcome_push"))]
    if (at := addresses.read(settings.data_dir)) is not None:
        lines.append(in_language(Message("welcome_mqtt", address=at.mqtt)))
        lines.append(in_language(Message("welcome_folder", folder=at.folders["demo-drop"])))
    accounts = demonstration_accounts(settings)
    return lines + [
        in_language(Message("welcome_login", role=f"{role:9}", name=f"{name:9}", password=password))
        for role, name, password in accounts
    ]


def _load_history() -> None:
    """Load the history with a progress bar while the wall is live; it returns at once when it is loaded already."""
    try:
        cli.main(["demo", "--history"])
    except SystemExit as end:
        if end.code:
            say(Message("history_incomplete"), err=True)


def _await_ready(port: int, began: float) -> Message:
    """Wait until all parts work; return a sentence that says so, or what is missing."""
    missing = Message("server_silent")
    while time.monotonic() - began < READY_WITHIN_S:
        status, detail = _readiness(port)
        if status == 200:
            return Message("centre_ready", seconds=f"{time.monotonic() - began:.0f}")
        missing = detail or missing
        time.sleep(_LOOK_EVERY_S)
    return Message("centre_not_ready", seconds=f"{READY_WITHIN_S:.0f}", missing=missing)


def _readiness(port: int) -> tuple[int, Message | None]:
    """Return the status of `/readyz` and what is missing; (0, None) while the server does not answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        errors = orjson.loads(answer.read()).get("errors") or [{}]
        return answer.status, Message.of_shape(errors[0]) if "code" in errors[0] else None
    except (OSError, HTTPException, ValueError):
        return 0, None
    finally:
        connection.close()
