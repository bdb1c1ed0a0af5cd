"""`ioc connect`: the connectors."""

import asyncio

import click

from ioc.catalog import load
from ioc.settings import Settings


@click.command()
def command() -> None:
    """Run every configured source but the push ones, which `ioc serve` takes in. A changed file is read again."""
    from connectors.runner import Runner

    settings = Settings.from_environment()
    asyncio.run(Runner(settings, load(settings.province, settings.catalog_dir)).run())
