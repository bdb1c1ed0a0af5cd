"""`ioc streams`: run the stream workers."""

import click

from ioc.settings import Settings


@click.command()
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="number of processes")
def command(workers: int) -> None:
    """Run the stream workers, which reduce readings to panes and check cases; one that dies is restarted."""
    from streams.worker_pool import run

    run(Settings.from_environment(), workers)
