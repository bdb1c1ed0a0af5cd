"""`ioc topics`: create missing topics, repair wrong ones, and show all."""

from collections.abc import Iterator
from dataclasses import asdict

import click
import httpx
import orjson

from ioc.kafka import TopicChanges, TopicState, ensure_topics, topic_states
from ioc.settings import Settings
from ioc.topic_repair import Repair, answer_again
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
    standing = _standing(settings)
    repair = answer_again(bootstrap, security, standing) if standing is not None else None
    states = topic_states(bootstrap, security)
    if as_json:
        shown = {"created": changes.created, "grown": changes.grown, "steps": list(_steps(changes, repair))}
        click.echo(orjson.dumps({**shown, "topics": [asdict(state) for state in states]}))
        return
    for state in states:
        click.echo(_row(state, is_new=state.name in changes.created))
    for step in _steps(changes, repair):
        click.echo(step)


def _standing(settings: Settings) -> dict[TopicPartition, int] | None:
    """Return the next input of each stalled partition from the running centre; None when it does not answer."""
    address = f"http://127.0.0.1:{settings.http_port}/api/v1/ledger"
    try:
        answer = httpx.get(address, headers={"Authorization": f"Bearer {settings.admin_token()}"}, timeout=30)
        answer.raise_for_status()
    except httpx.HTTPError:
        return None
    return {
        (fault["params"]["topic"], fault["params"]["partition"]): fault["params"]["first"]
        for fault in answer.json()["coded_faults"]
        if fault["code"] in ("output_missing", "partition_stalled")
    }


def _steps(changes: TopicChanges, repair: Repair | None) -> Iterator[str]:
    """Yield sentences on what was done, then on what a person has to do, in order."""
    for name in changes.created:
        yield f"Created {name}."
    for name, (before, after) in changes.grown.items():
        yield f"Gave {name} {after} partitions, as many as its partner has; it had {before}."
    if repair is None:
        if changes.created or changes.grown:
            yield "If `ioc serve` has run before, start it and run `ioc topics` again, to see what to answer again."
        return
    for (topic, partition), (first, end) in repair.behind.items():
        done = "will be answered again" if repair.is_done else "must be answered again"
        yield f"Offsets {first} to {end - 1} of {topic} partition {partition} {done}."
    if repair.behind:
        yield (
            "Start `ioc streams`."
            if repair.is_done
            else "Workers keep their place while they run, also for some seconds after: stop `ioc streams`, run "
            "`ioc topics` again, then start `ioc streams`."
        )


def _row(state: TopicState, *, is_new: bool) -> str:
    kept = state.configuration.get("retention.ms")
    hours = "for ever" if kept == "-1" else f"{int(kept or 0) // 3_600_000} h"
    policy = hours if kept else state.configuration["cleanup.policy"]
    row = f"{state.name:24} {state.partitions:2} partitions  {policy:8} {state.messages:10} messages"
    return f"{row}  {'new' if is_new else '':4} {state.what}"
