"""`ioc topics`: create missing topics, repair wrong ones, and show all."""

from collections.abc import Iterator
from dataclasses import asdict

import click
import orjson

from ioc.commands.centre_client import call_centre
from ioc.errors import IocError
from ioc.kafka import TopicChanges, TopicState, ensure_topics, topic_states
from ioc.messages import Message
from ioc.settings import Settings
from ioc.terminal import say
from ioc.topic_repair import Repair, rewind_workers
from ioc.topics import TopicPartition


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def command(as_json: bool) -> None:
    """Create missing topics, repair wrong ones, and show all.

    Inputs whose outputs are lost, such as those of a deleted output topic, are processed again; for that `ioc serve`
    must run and `ioc streams` must not.
    """
    settings = Settings.from_environment()
    bootstrap, security = settings.bootstrap(), settings.security
    changes = ensure_topics(bootstrap, security, settings.partitions)
    stalled = _stalled(settings)
    repair = rewind_workers(bootstrap, security, stalled) if stalled is not None else None
    states = topic_states(bootstrap, security)
    if as_json:
        shown = {"created": changes.created, "grown": changes.grown, "steps": list(_steps(changes, repair))}
        click.echo(orjson.dumps({**shown, "topics": [asdict(state) for state in states]}))
        return
    for state in states:
        click.echo(_row(state, is_new=state.name in changes.created))
    for step in _steps(changes, repair):
        say(step)


def _stalled(settings: Settings) -> dict[TopicPartition, int] | None:
    """Return the next input of each stalled partition from the running centre; None when it does not answer."""
    try:
        ledger = call_centre(settings, "GET", "/api/v1/ledger")
    except IocError:
        return None
    return {
        (fault["params"]["topic"], fault["params"]["partition"]): fault["params"]["first"]
        for fault in ledger["coded_faults"]
        if fault["code"] in ("output_missing", "partition_stalled")
    }


def _steps(changes: TopicChanges, repair: Repair | None) -> Iterator[Message]:
    """Yield sentences on what was done, then on what a person has to do, in order."""
    for name in changes.created:
        yield Message("topic_created", topic=name)
    for name, (before, after) in changes.grown.items():
        yield Message("topic_grown", topic=name, after=after, before=before)
    if repair is None:
        if changes.created or changes.grown:
            yield Message("topics_again")
        return
    for (topic, partition), (first, end) in repair.behind.items():
        code = "offsets_repeated" if repair.is_done else "offsets_to_repeat"
        yield Message(code, first=first, last=end - 1, topic=topic, partition=partition)
    if repair.behind:
        yield Message("start_streams" if repair.is_done else "restart_streams")


def _row(state: TopicState, *, is_new: bool) -> str:
    kept = state.configuration.get("retention.ms")
    hours = "for ever" if kept == "-1" else f"{int(kept or 0) // 3_600_000} h"
    policy = hours if kept else state.configuration["cleanup.policy"]
    row = f"{state.name:24} {state.partitions:2} partitions  {policy:8} {state.messages:10} messages"
    return f"{row}  {'new' if is_new else '':4} {state.what}"
