"""`ioc connect`: the connectors."""

import asyncio

import click

from ioc.catalog import load_kept
from ioc.settings import Settings


@click.command()
def command() -> None:
    """Run every configured source but the push ones, which `ioc serve` takes in. A changed file is read again."""
    from connectors.runner import Runner

    settings = Settings.from_environment()
    asyncio.run(Runner(settings, load_kept(settings.province, settings.catalog_dir, settings.kept_dir)).run())
