"""One source message in, one output and its dead letters out: what the agents publish, without any I/O."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from ioc import topics
from ioc.clock import from_ms
from ioc.errors import BatchMalformed, BatchTooLarge
from ioc.model.rejection import Reason, Rejection, count_records
from ioc.model.vocabulary import Vocabulary
from ioc.wire import arrow
from ioc.wire.dead_letters import MAX_CONTENT_BYTES, WHOLE_MESSAGE, DeadLetter, EncodedDeadLetter, SourceOffset
from ioc.wire.headers import EXTERNAL_SOURCE, MAX_COUNT, BatchHeaders, Headers, OutputHeaders
from ioc.wire.record_batches import UndecodableBatch

OWN_REJECTIONS_FROM = 1_000_000
"""Index of an agent's rejection: this plus the row, so that it never meets an index the connector gave."""
OUTPUT_BYTES = topics.MAX_MESSAGE_BYTES - 64 * 1024
_HEADERS_BYTES = 16 * 1024
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SourceMessage:
    """A message of an input topic as the broker has it; `time_ms` is when the broker took it. Its value may be an
    `UndecodableBatch`, which stands for all messages of a record batch; `offset` is then that of the last."""

    topic: str
    partition: int
    offset: int
    time_ms: int
    headers: Sequence[tuple[str, bytes]]
    value: bytes | None

    @property
    def first_offset(self) -> int:
        return self.value.first_offset if isinstance(self.value, UndecodableBatch) else self.offset


@dataclass(frozen=True)
class Limits:
    """Bytes that the output topics and the topic of dead letters take in one message."""

    output_bytes: int = OUTPUT_BYTES
    dead_letter_bytes: int = MAX_CONTENT_BYTES


def limits_of(largest_output_bytes: int, largest_dead_letter_bytes: int) -> Limits:
    """Return what remains of the largest batches that the topics take, less the headers."""
    return Limits(
        min(OUTPUT_BYTES, largest_output_bytes - _HEADERS_BYTES),
        min(MAX_CONTENT_BYTES, largest_dead_letter_bytes - _HEADERS_BYTES),
    )


@dataclass(frozen=True)
class Answer:
    """What a source message gives. The output's counts are in `counts`, and encoded in `headers`."""

    value: bytes
    headers: Headers
    counts: OutputHeaders
    dead_letters: list[EncodedDeadLetter]


@dataclass(frozen=True)
class Taken:
    """Content taken from a message: output rows, the refusals of the connector and the agent's own, rows applied.
    `keyed`: the rows are single readings, not panes."""

    rows: pa.RecordBatch
    came_rejected: list[Rejection]
    rejected: list[Rejection]
    applied: int
    keyed: bool = False


Take = Callable[[bytes, BatchHeaders, Vocabulary, int], Taken]
"""(value, headers, vocabulary, input time in ms) → Taken. Raises BatchMalformed."""


def answer(
    message: SourceMessage, take: Take, nothing: pa.RecordBatch, vocabulary: Vocabulary, limits: Limits = Limits()
) -> Answer:
    """The output of a message, `nothing` (without rows) when it cannot be read as a whole, and its dead letters.

    Never raises for what a message holds: a worker that died of it would die of it again, and its partition stand.
    """
    head = BatchHeaders(EXTERNAL_SOURCE, "", "", "")
    try:
        if isinstance(message.value, UndecodableBatch):
            raise BatchMalformed(message.value.fault)
        head = BatchHeaders.decode(message.headers, message.time_ms)
        if message.value is None:
            raise BatchMalformed("The message has no value.")
        taken = take(message.value, head, vocabulary, message.time_ms)
        own = [(OWN_REJECTIONS_FROM + r.index, r) for r in taken.rejected]
        rejections = [*((r.index, r) for r in taken.came_rejected), *own]
        value = arrow.encode(taken.rows)
        _check_output(taken, value, count_records(r for _, r in rejections), head, limits)
    except BatchMalformed as fault:
        return _refused(message, head, nothing, fault, limits)
    except Exception as fault:  # noqa: BLE001 - whatever nobody foresaw must not stop the partition
        _log.exception("%s:%s:%s cannot be answered", message.topic, message.partition, message.offset)
        return _refused(message, head, nothing, BatchMalformed(f"The message cannot be read: {fault!r}."), limits)
    rejected: Counter[str] = Counter()
    for _, rejection in rejections:
        rejected[str(rejection.reason)] += rejection.records
    counts = _counts(message, head, applied=taken.applied, rejected=rejected, keyed=taken.keyed)
    dead_letters = [_dead_letter(message, head.source, index, r, limits) for index, r in rejections]
    return Answer(value, counts.encode(), counts, dead_letters)


def _check_output(taken: Taken, value: bytes, rejected: int, head: BatchHeaders, limits: Limits) -> None:
    """Check an output. Raises BatchTooLarge for one that its topic does not take, BatchMalformed for counts beyond all
    bounds."""
    if len(value) > limits.output_bytes:
        raise BatchTooLarge(
            f"The batch gives {taken.rows.num_rows} rows in {len(value)} bytes, more than the {limits.output_bytes} "
            "that one message holds; send smaller batches."
        )
    if taken.applied + rejected + head.duplicate > MAX_COUNT:
        raise BatchMalformed(f"The batch says it stands for more than {MAX_COUNT} records.")


def _refused(
    message: SourceMessage, head: BatchHeaders, nothing: pa.RecordBatch, fault: BatchMalformed, limits: Limits
) -> Answer:
    value = message.value or b""
    if isinstance(value, UndecodableBatch):
        records = value.records
    else:  # Its sender counted them (no more than there are bytes); where none did, the message is one.
        records = max(1, min((head.received or 0) - head.duplicate, len(value)))
    reason = Reason.TOO_LARGE if isinstance(fault, BatchTooLarge) else Reason.MALFORMED
    duplicate = min(head.duplicate, MAX_COUNT - records)
    counts = _counts(message, replace(head, duplicate=duplicate), applied=0, rejected={str(reason): records})
    letter = Rejection(WHOLE_MESSAGE, "", reason, str(fault), value)
    dead_letter = _dead_letter(message, head.source, WHOLE_MESSAGE, letter, limits)
    return Answer(arrow.encode(nothing), counts.encode(), counts, [dead_letter])


def _counts(
    message: SourceMessage, head: BatchHeaders, *, applied: int, rejected: dict[str, int], keyed: bool = False
) -> OutputHeaders:
    return OutputHeaders(
        topic=message.topic,
        partition=message.partition,
        offset=message.first_offset,
        inputs=message.offset + 1 - message.first_offset,
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


def _dead_letter(
    message: SourceMessage, source: str, index: int, rejection: Rejection, limits: Limits
) -> EncodedDeadLetter:
    place = SourceOffset(message.topic, message.partition, message.first_offset)
    at = from_ms(message.time_ms)
    return DeadLetter.of_rejection(place, source, index, rejection, at, limits.dead_letter_bytes).encode()
