"""`ioc topics`: create what is missing and show the topics."""

from dataclasses import asdict

import click
import orjson

from ioc.kafka import create_topics, topic_states
from ioc.settings import Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def command(as_json: bool) -> None:
    """Create the topics that are missing and show all of them."""
    settings = Settings.from_environment()
    created = create_topics(settings.bootstrap(), settings.security, settings.partitions)
    states = topic_states(settings.bootstrap(), settings.security)
    if as_json:
        click.echo(orjson.dumps({"created": created, "topics": [asdict(state) for state in states]}))
        return
    for state in states:
        kept = state.configuration.get("retention.ms")
        policy = f"{int(kept) // 3_600_000} h" if kept else state.configuration["cleanup.policy"]
        row = f"{state.name:24} {state.partitions:2} partitions  {policy:8} {state.messages:10} messages"
        click.echo(f"{row}  {'new' if state.name in created else '':4} {state.what}")
