"""One source message in, one output and its dead letters out: what the agents publish, without any I/O."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from ioc import topics
from ioc.clock import from_ms, rfc3339
from ioc.errors import BatchMalformed, BatchTooLarge
from ioc.model.rejection import Reason, Rejection
from ioc.model.vocabulary import Vocabulary
from ioc.wire import arrow
from ioc.wire.headers import EXTERNAL_SOURCE, BatchHeaders, Headers, OutputHeaders

OWN_REJECTIONS_FROM = 1_000_000
"""Index of an agent's rejection: this plus the row, so that it never meets an index the connector gave."""
WHOLE_MESSAGE = -1
DEAD_LETTER_BYTES = 1_000_000
OUTPUT_BYTES = topics.MESSAGE_BYTES - 64 * 1024
_LONGEST_TEXT = 500


@dataclass(frozen=True)
class SourceMessage:
    """A message of an input topic as the broker has it; `time_ms` is when the broker took it."""

    topic: str
    partition: int
    offset: int
    time_ms: int
    headers: Sequence[tuple[str, bytes]]
    value: bytes | None


@dataclass(frozen=True)
class DeadLetter:
    """A message of `ioc.dead-letters.v1`."""

    key: bytes
    value: bytes
    headers: Headers


@dataclass(frozen=True)
class Answer:
    """What a source message gives. The output's counts are in `counts`, and encoded in `headers`."""

    value: bytes
    headers: Headers
    counts: OutputHeaders
    dead_letters: list[DeadLetter]


@dataclass(frozen=True)
class Taken:
    """What was taken from a message: output rows, the refusals of the connector and the agent's own, rows applied.
    `keyed`: the rows are single readings, not panes."""

    rows: pa.RecordBatch
    came_rejected: list[Rejection]
    rejected: list[Rejection]
    applied: int
    keyed: bool = False


Take = Callable[[bytes, BatchHeaders, Vocabulary, int], Taken]
"""(value, headers, vocabulary, input time in ms) → Taken. Raises BatchMalformed."""


def answer(message: SourceMessage, take: Take, nothing: pa.RecordBatch, vocabulary: Vocabulary) -> Answer:
    """The output of a message, `nothing` (without rows) when it is malformed as a whole, and its dead letters."""
    head = BatchHeaders(EXTERNAL_SOURCE, "", "", "")
    try:
        head = BatchHeaders.decode(message.headers)
        if message.value is None:
            raise BatchMalformed("The message has no value.")
        taken = take(message.value, head, vocabulary, message.time_ms)
        value = arrow.encode(taken.rows)
        if len(value) > OUTPUT_BYTES:
            raise BatchTooLarge(
                f"The batch gives {taken.rows.num_rows} rows in {len(value)} bytes, more than the {OUTPUT_BYTES} that "
                "one message holds; send smaller batches."
            )
    except BatchMalformed as fault:
        return _refused(message, head, nothing, fault)
    own = [(OWN_REJECTIONS_FROM + r.index, r) for r in taken.rejected]
    rejections = [*((r.index, r) for r in taken.came_rejected), *own]
    rejected = Counter(str(r.reason) for _, r in rejections)
    counts = _counts(message, head, applied=taken.applied, rejected=rejected, keyed=taken.keyed)
    dead_letters = [_dead_letter(message, head.source, index, r) for index, r in rejections]
    return Answer(value, counts.encode(), counts, dead_letters)


def _refused(message: SourceMessage, head: BatchHeaders, nothing: pa.RecordBatch, fault: BatchMalformed) -> Answer:
    reason = Reason.TOO_LARGE if isinstance(fault, BatchTooLarge) else Reason.MALFORMED
    # Its sender counted the records (no more than there are bytes); where none did, the message is one.
    records = max(1, min((head.received or 0) - head.duplicate, len(message.value or b"")))
    counts = _counts(message, head, applied=0, rejected={str(reason): records})
    letter = Rejection(WHOLE_MESSAGE, "", reason, str(fault), message.value or b"")
    dead_letter = _dead_letter(message, head.source, WHOLE_MESSAGE, letter)
    return Answer(arrow.encode(nothing), counts.encode(), counts, [dead_letter])


def _counts(
    message: SourceMessage, head: BatchHeaders, *, applied: int, rejected: dict[str, int], keyed: bool = False
) -> OutputHeaders:
    return OutputHeaders(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        source=head.source,
        generation=head.generation,
        sequence=head.sequence,
        received=applied + head.duplicate + sum(rejected.values()),
        applied=applied,
        duplicate=head.duplicate,
        rejected=rejected,
        input_time_ms=message.time_ms,
        keyed=keyed,
    )


def _dead_letter(message: SourceMessage, source: str, index: int, rejection: Rejection) -> DeadLetter:
    headers = [
        ("ioc-source", source.encode()),
        ("source-topic", message.topic.encode()),
        ("source-partition", b"%d" % message.partition),
        ("source-offset", b"%d" % message.offset),
        ("ioc-index", b"%d" % index),
        ("ioc-field", _text(rejection.field)),
        ("ioc-reason", _text(rejection.reason)),
        ("ioc-message", _text(rejection.message)),
        ("ioc-time", rfc3339(from_ms(message.time_ms)).encode()),
    ]
    content = rejection.content
    if len(content) > DEAD_LETTER_BYTES:
        headers.append(("ioc-cut", b"%d" % len(content)))
        content = content[:DEAD_LETTER_BYTES]
    key = f"{message.topic}:{message.partition}:{message.offset}:{index}"
    return DeadLetter(key.encode(), content, headers)


def _text(text: str) -> bytes:
    cut = text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"
    return cut.encode(errors="replace")
