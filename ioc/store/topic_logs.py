"""Is this the log the store has read from? A re-created topic counts its offsets anew. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from ioc.messages import Message
from ioc.topics import DEAD_LETTERS, OUTPUT_OF

PAIRS = tuple(OUTPUT_OF.items())
READ_TOPICS = (*OUTPUT_OF, *OUTPUT_OF.values(), DEAD_LETTERS)


@dataclass(frozen=True)
class LogVerdict:
    """`begins_anew` are topics that were re-created, inputs always with their outputs; `refusal` is one sentence, empty
    when reading may go on; `waits_for` are topics the broker does not have (yet)."""

    begins_anew: tuple[str, ...] = ()
    refusal: Message | None = None
    waits_for: tuple[str, ...] = ()


def judge_logs(known: Mapping[str, str], found: Mapping[str, str], partitions: Mapping[str, int]) -> LogVerdict:
    """Topic ids as the store knows them against those of the broker, and whether inputs and outputs fit each other.

    Input and output re-created together: a new log, read from its start. Only the output: its inputs keep their
    offsets, so it is read from its start, and what was applied before is dropped as a repeat. Only the input: outputs
    of the old input may still lie in the output topic and would be taken for the new input's, so reading is refused.
    """
    missing = tuple(name for name in READ_TOPICS if name not in found)
    if missing:
        return LogVerdict(waits_for=missing)
    for source, output in PAIRS:
        if partitions[source] != partitions[output]:
            return LogVerdict(
                refusal=Message(
                    "topics_uneven",
                    source=source,
                    source_count=partitions[source],
                    output=output,
                    output_count=partitions[output],
                )
            )
    changed = {name for name in READ_TOPICS if name in known and known[name] != found[name]}
    anew: list[str] = [DEAD_LETTERS] if DEAD_LETTERS in changed else []
    for source, output in PAIRS:
        if source in changed and output not in changed:
            return LogVerdict(refusal=Message("topic_recreated_alone", source=source, output=output))
        anew += [name for name in (source, output) if name in changed]
    return LogVerdict(begins_anew=tuple(anew))
