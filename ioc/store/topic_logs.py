"""Check that the log is the one the store has read from: a re-created topic counts its offsets from 0. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from ioc.messages import Message
from ioc.topics import DEAD_LETTERS, OUTPUT_OF

PAIRS = tuple(OUTPUT_OF.items())
READ_TOPICS = (*OUTPUT_OF, *OUTPUT_OF.values(), DEAD_LETTERS)


@dataclass(frozen=True)
class LogVerdict:
    """The result of the check.

    `recreated` are topics that were re-created, inputs always with their outputs; `refusal` is one sentence, None when
    reading may continue; `missing` are topics that the broker does not have (yet).
    """

    recreated: tuple[str, ...] = ()
    refusal: Message | None = None
    missing: tuple[str, ...] = ()


def judge_logs(known: Mapping[str, str], found: Mapping[str, str], partitions: Mapping[str, int]) -> LogVerdict:
    """Compare the topic ids in the store with the broker's, and the partitions of inputs with those of outputs.

    Input and output re-created together: a new log, read from its start. Only the output: its inputs keep their
    offsets, so it is read from its start, and what was applied before is dropped as a repeat. Only the input: outputs
    of the old input may still be in the output topic and would be mistaken for the new input's, so reading is refused.
    """
    missing = tuple(name for name in READ_TOPICS if name not in found)
    if missing:
        return LogVerdict(missing=missing)
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
    recreated: list[str] = [DEAD_LETTERS] if DEAD_LETTERS in changed else []
    for source, output in PAIRS:
        if source in changed and output not in changed:
            return LogVerdict(refusal=Message("topic_recreated_alone", source=source, output=output))
        recreated += [name for name in (source, output) if name in changed]
    return LogVerdict(recreated=tuple(recreated))
