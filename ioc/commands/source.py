"""`ioc source`: show tokens of push sources, and replay refused records."""

import re
from datetime import datetime
from typing import Any

import click
import httpx
import orjson

from ioc.clock import rfc3339
from ioc.errors import ConfigurationInvalid, IocError
from ioc.settings import Settings

_PATIENCE_S = 600.0
_NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,62}$")


@click.group()
def command() -> None:
    """Show the token of a push source, or replay a source's refused records."""


@command.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def token(name: str, as_json: bool) -> None:
    """Print the token of push source NAME, made at the first call."""
    if not _NAME.match(name):
        raise ConfigurationInvalid(f"Source name {name!r} is not of small letters, digits and hyphens.")
    settings = Settings.from_environment()
    secret = settings.source_token(name)
    if not (settings.sources_dir / f"{name}.toml").exists():
        click.echo(
            f"note: pushes with this token are refused until {name}.toml lies in {settings.sources_dir}.", err=True
        )
    click.echo(orjson.dumps({"source": name, "token": secret}) if as_json else secret)


@command.command()
@click.argument("name")
@click.option("--since", type=click.DateTime(), help="only records refused since then, in this machine's time zone")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def replay(name: str, since: datetime | None, as_json: bool) -> None:
    """Replay the refused records of source NAME.

    They are read again with its present mapping and the present catalogue. Each record counts once, however often it
    is replayed. The exit code is 1 when records are still refused.
    """
    settings = Settings.from_environment()
    address = f"http://127.0.0.1:{settings.http_port}/api/v1/sources/{name}/replay"
    headers = {"Authorization": f"Bearer {settings.admin_token()}"}
    body = {"since": rfc3339(since.astimezone())} if since else {}
    try:
        answer = httpx.post(address, json=body, headers=headers, timeout=_PATIENCE_S)
    except httpx.HTTPError as fault:
        raise IocError(f"The centre does not answer at {address}: {fault}.") from fault
    told = answer.json()
    if answer.status_code != 200:
        raise IocError(told.get("detail", f"The centre answered {answer.status_code}."))
    click.echo(orjson.dumps(told) if as_json else "\n".join(_lines(told)))
    if told["refused_count"] or told["not_replayable_count"]:
        raise click.exceptions.Exit(1)


def _lines(told: dict[str, Any]) -> list[str]:
    lines = [
        f"Read again and received as new: {told['replayed']:,}; already received meanwhile: {told['duplicates']:,}."
    ]
    lines += [f"Put back into the folder: {file}" for file in told["files"]]
    for what, sentence in (("refused", "Still refused"), ("not_replayable", "Cannot be read again")):
        if count := told[f"{what}_count"]:
            lines.append(f"{sentence}: {count:,}")
            lines += [f"  {one['key']}  {one['message']}" for one in told[what]]
    return lines
