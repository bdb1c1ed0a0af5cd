"""`ioc connect`: the connectors."""

import asyncio

import click

from ioc.catalog import load_kept
from ioc.serving.memory import keep_giving_back
from ioc.settings import Settings


@click.command()
def command() -> None:
    """Run every configured source but the push ones, which `ioc serve` takes in. A changed file is read again."""
    asyncio.run(_run(Settings.from_environment()))


async def _run(settings: Settings) -> None:
    from connectors.runner import Runner

    giving_back = asyncio.create_task(keep_giving_back())
    try:
        await Runner(settings, load_kept(settings.province, settings.catalog_dir, settings.kept_dir)).run()
    finally:
        giving_back.cancel()
