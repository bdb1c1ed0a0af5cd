"""Print what `ioc up` tells a person: the addresses at once, then that the centre is ready, or what is missing."""

import time
from http.client import HTTPConnection, HTTPException

import click
import orjson

from ioc import cli
from ioc.demo import addresses
from ioc.demo.people import demonstration_accounts
from ioc.settings import Settings

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
    click.echo(f"{state} Ctrl-C stops all of it.")


def addresses_of(settings: Settings) -> list[str]:
    """Return the lines with addresses and folders, which are known before anything has started."""
    address = f"http://127.0.0.1:{settings.http_port}"
    settings.admin_token()
    token = "IOC_ADMIN_TOKEN" if settings.configured_admin_token else str(settings.data_dir / "admin.token")
    return [
        f"Wall         {address}/wall/main  (starting)",
        f"API          {address}/docs",
        f"Kafka        {settings.bootstrap()}",
        f"Admin token  {token}",
        f"Data, logs   {settings.data_dir}",
    ]


def next_steps(settings: Settings) -> list[str]:
    """Return what to do next: how to reach the demonstration's systems, or how to connect the first source."""
    if not settings.demonstration:
        if settings.sources_dir.is_dir() and any(settings.sources_dir.glob("*.toml")):
            return []
        return [f"No source is configured yet: put one TOML file per source into {settings.sources_dir}"]
    lines = ["Push token   .venv/bin/ioc source token demo-push"]
    if (at := addresses.read(settings.data_dir)) is not None:
        lines.append(f"MQTT         {at.mqtt}  (simulated server; topic air/<unit>/air.pm25/<station>)")
        lines.append(f"Drop folder  {at.folders['demo-drop']}")
    accounts = demonstration_accounts(settings)
    return lines + [f"Log in as    {role:9} {name:9} {password}" for role, name, password in accounts]


def _load_history() -> None:
    """Load the history with a progress bar while the wall is live; it returns at once when it is loaded already."""
    try:
        cli.main(["demo", "--history"])
    except SystemExit as end:
        if end.code:
            click.echo("The history was not loaded completely; the next start continues.", err=True)


def _await_ready(port: int, began: float) -> str:
    """Wait until all parts work; return a sentence that says so, or what is missing."""
    missing = "the server does not answer."
    while time.monotonic() - began < READY_WITHIN_S:
        status, detail = _readiness(port)
        if status == 200:
            return f"Ready after {time.monotonic() - began:.0f} s."
        missing = detail or missing
        time.sleep(_LOOK_EVERY_S)
    return f"NOT READY after {READY_WITHIN_S:.0f} s: {missing}"


def _readiness(port: int) -> tuple[int, str]:
    """Return the status of `/readyz` and its sentence; (0, "") while the server does not answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status, str(orjson.loads(answer.read()).get("detail", ""))
    except (OSError, HTTPException, ValueError):
        return 0, ""
    finally:
        connection.close()
