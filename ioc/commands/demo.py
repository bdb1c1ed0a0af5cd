"""`ioc demo`: simulate the sector systems of the demonstration province, and load a year of history."""

import click

from ioc.catalog import load_kept
from ioc.clock import SystemClock
from ioc.settings import Settings


@click.command()
@click.option("--history", is_flag=True, help="only load the past year, as far as it is not loaded yet")
def command(history: bool) -> None:
    """Simulate the sector systems of the demonstration province until Ctrl-C."""
    settings = Settings.from_environment()
    if history:
        _load_history(settings)
        return
    from ioc.demo.province import run

    run(settings)


def _load_history(settings: Settings) -> None:
    from connectors.producer import SharedProducer
    from connectors.same_key import SameKey
    from connectors.writer import SourceWriter
    from ioc.demo import state
    from ioc.demo.history.load import SOURCE
    from ioc.demo.history.load import load as load_history
    from ioc.demo.province import world_of

    clock = SystemClock()
    catalog = load_kept(settings.province, settings.catalog_dir, settings.kept_dir)
    producer = SharedProducer(
        settings.bootstrap(),
        settings.data_dir,
        partitions=settings.partitions,
        measures=catalog.vocabulary.measures,
        security=settings.security,
        clock=clock,
    )
    try:
        writer = SourceWriter(producer, SOURCE, same_key=SameKey.NEW)
        writer.open()
        try:
            label = f"{settings.demonstration_days} days of simulated history"
            with click.progressbar(length=1, label=label, show_eta=False) as bar:

                def progress(done: int, of: int, _rows: int) -> None:
                    bar.length = of
                    bar.update(done - bar.pos)

                load_history(
                    world_of(settings),
                    state.began_at_ms(settings.data_dir, clock.now()),
                    writer,
                    progress,
                    settings.demonstration_days,
                )
                bar.update((bar.length or 0) - bar.pos)
        finally:
            writer.close()
    finally:
        producer.close()
