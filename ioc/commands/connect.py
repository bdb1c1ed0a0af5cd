"""`ioc connect`: the connectors."""

import asyncio

import click

from ioc.catalog.follower import CatalogFollower
from ioc.server.trim_memory import keep_giving_back
from ioc.settings import Settings


@click.command()
def command() -> None:
    """Run every configured source but the push ones, which `ioc serve` takes in. A changed file is read again."""
    asyncio.run(_run(Settings.from_environment()))


async def _run(settings: Settings) -> None:
    from connectors.runner import Runner

    giving_back = asyncio.create_task(keep_giving_back())
    try:
        follower = CatalogFollower(settings.province, settings.catalog_dir, settings.kept_dir)
        await Runner(settings, follower.catalog, follow=follower.look).run()
    finally:
        giving_back.cancel()
