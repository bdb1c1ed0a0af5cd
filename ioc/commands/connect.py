"""`ioc connect`: run the connectors."""

import asyncio

import click

from ioc.catalog.catalog_cache import CatalogFollower
from ioc.server.trim_memory import keep_trimming
from ioc.settings import Settings


@click.command()
def command() -> None:
    """Run all configured sources except push sources, which `ioc serve` runs; changed files take effect within 2 s."""
    asyncio.run(_run(Settings.from_environment()))


async def _run(settings: Settings) -> None:
    from connectors.runner import Runner

    trimming = asyncio.create_task(keep_trimming())
    try:
        follower = CatalogFollower(settings.province, settings.catalog_dir, settings.kept_dir)
        await Runner(settings, follower.catalog, follow=follower.look).run()
    finally:
        trimming.cancel()
