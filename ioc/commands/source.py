"""`ioc source`: tokens of push sources."""

import re

import click
import orjson

from ioc.errors import ConfigurationInvalid
from ioc.settings import Settings

_NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,62}$")


@click.group()
def command() -> None:
    """Sources that push over HTTP."""


@command.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def token(name: str, as_json: bool) -> None:
    """Print the token of the push source NAME; it is made at the first call."""
    if not _NAME.match(name):
        raise ConfigurationInvalid(f"Source name {name!r} is not of small letters, digits and hyphens.")
    secret = Settings.from_environment().source_token(name)
    click.echo(orjson.dumps({"source": name, "token": secret}) if as_json else secret)
