"""`ioc source`: show tokens of push sources, and replay refused records."""

import re
from datetime import datetime
from typing import Any

import click
import orjson

from ioc.clock import rfc3339
from ioc.commands.centre_client import call_centre
from ioc.errors import ConfigurationInvalid
from ioc.messages import Message
from ioc.settings import Settings
from ioc.terminal import in_language, say

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
        raise ConfigurationInvalid(Message("source_name_form", name=name))
    settings = Settings.from_environment()
    secret = settings.source_token(name)
    if not (settings.sources_dir / f"{name}.toml").exists():
        say(Message("token_without_source", file=f"{name}.toml", folder=str(settings.sources_dir)), err=True)
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
    body = {"since": rfc3339(since.astimezone())} if since else {}
    outcome = call_centre(settings, "POST", f"/api/v1/sources/{name}/replay", body, _PATIENCE_S)
    click.echo(orjson.dumps(outcome) if as_json else "\n".join(_lines(outcome)))
    if outcome["refused_count"] or outcome["not_replayable_count"]:
        raise click.exceptions.Exit(1)


def _lines(outcome: dict[str, Any]) -> list[str]:
    counts = Message("replay_counts", new=f"{outcome['replayed']:,}", known=f"{outcome['duplicates']:,}")
    lines = [in_language(counts)]
    lines += [in_language(Message("replay_file", file=file)) for file in outcome["files"]]
    for what, code in (("refused", "replay_refused"), ("not_replayable", "replay_impossible")):
        if count := outcome[f"{what}_count"]:
            lines.append(in_language(Message(code, count=f"{count:,}")))
            lines += [f"  {one['key']}  {one['message']}" for one in outcome[what]]
    return lines
