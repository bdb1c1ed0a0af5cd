"""What `ioc up` tells once all is there: first the demonstration's history is loaded, if there is any to load."""

import os
import time
from http.client import HTTPConnection, HTTPException

import click

from ioc import cli
from ioc.demo import addresses
from ioc.demo.people import demonstration_accounts
from ioc.settings import Settings

READY_WITHIN_S = 180.0


def welcome(settings: Settings, began: float) -> None:
    """`began` is when the start began (monotonic seconds)."""
    if settings.demonstration:
        _load_history()
    _announce(settings, _live_after(settings, began))


def _load_history() -> None:
    """In the foreground, for its progress bar; the second time it ends at once. The wall is live meanwhile."""
    try:
        cli.main(["demo", "--history"])
    except SystemExit as end:
        if end.code:
            click.echo("The history was not loaded to its end; the next start goes on with it.", err=True)


def _live_after(settings: Settings, began: float) -> str:
    """Says so once live values flow, or after a while that they do not."""
    while time.monotonic() - began < READY_WITHIN_S:
        if _is_ready(settings.http_port):
            return f"live after {time.monotonic() - began:.0f} s"
        time.sleep(0.2)
    return "NO LIVE VALUES YET; see the logs"


def _is_ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _announce(settings: Settings, state: str) -> None:
    """Where things are."""
    address = settings.address or f"http://127.0.0.1:{settings.http_port}"
    settings.admin_token()
    token = "IOC_ADMIN_TOKEN" if os.environ.get("IOC_ADMIN_TOKEN") else str(settings.data_dir / "admin.token")
    click.echo(f"Wall         {address}/wall/main  ({state})")
    click.echo(f"API          {address}/docs")
    click.echo(f"Kafka        {settings.bootstrap()}")
    click.echo(f"Admin token  {token}")
    click.echo("Push token   .venv/bin/ioc source token demo-push")
    click.echo(f"Data, logs   {settings.data_dir}")
    if settings.demonstration and (at := addresses.read(settings.data_dir)) is not None:
        click.echo(f"MQTT         {at.mqtt}  (simulated server; topic air/<unit>/air.pm25/<station>)")
        click.echo(f"Drop folder  {at.folders['demo-drop']}")
    if settings.demonstration:
        for role, name, password in demonstration_accounts(settings):
            click.echo(f"Log in as    {role:9} {name:9} {password}")
    click.echo("Ctrl-C stops all of it.")
