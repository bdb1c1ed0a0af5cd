"""`ioc streams`: the stream workers."""

import click

from ioc.settings import Settings


@click.command()
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="processes")
def command(workers: int) -> None:
    """Run the Faust workers: readings to panes, cases to case updates. Each process may die; it is started again."""
    from streams.worker_pool import run

    run(Settings.from_environment(), workers)
