"""Turn one source message into one output and its dead letters: what the agents publish, without any I/O."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from ioc import topics
from ioc.clock import from_ms
from ioc.errors import BatchMalformed, BatchTooLarge
from ioc.messages import Message
from ioc.model.rejection import Reason, Rejection, count_records
from ioc.model.vocabulary import Vocabulary
from ioc.wire import arrow
from ioc.wire.dead_letters import MAX_CONTENT_BYTES, WHOLE_MESSAGE, DeadLetter, EncodedDeadLetter, SourceOffset
from ioc.wire.headers import EXTERNAL_SOURCE, MAX_COUNT, BatchHeaders, Headers, OutputHeaders
from ioc.wire.record_batches import UndecodableBatch

OWN_REJECTIONS_FROM = 1_000_000
"""The index of an agent's rejection is this plus the row, so it never equals an index that the connector gave."""
OUTPUT_BYTES = topics.MAX_MESSAGE_BYTES - 64 * 1024
_HEADERS_BYTES = 16 * 1024
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SourceMessage:
    """A message of an input topic; `time_ms` is when the broker received it.

    Its value may be an `UndecodableBatch`, which stands for all messages of a record batch; `offset` is then that of
    the last one.
    """

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
class MessageLimits:
    """How many bytes one message of the output topics and of the topic of dead letters may have."""

    output_bytes: int = OUTPUT_BYTES
    dead_letter_bytes: int = MAX_CONTENT_BYTES


def message_limits(largest_output_bytes: int, largest_dead_letter_bytes: int) -> MessageLimits:
    """Return what remains of the largest batches that the topics accept, less the headers."""
    return MessageLimits(
        min(OUTPUT_BYTES, largest_output_bytes - _HEADERS_BYTES),
        min(MAX_CONTENT_BYTES, largest_dead_letter_bytes - _HEADERS_BYTES),
    )


@dataclass(frozen=True)
class AgentOutput:
    """The output for a source message and its dead letters. `counts` are the counts that `headers` encode."""

    value: bytes
    headers: Headers
    counts: OutputHeaders
    dead_letters: list[EncodedDeadLetter]


@dataclass(frozen=True)
class DecodedBatch:
    """The content of a message.

    `rows` are the output rows, `sent_rejections` the connector's, `rejections` the agent's own; `applied` counts the
    valid records. `keyed`: the rows are single readings, not panes.
    """

    rows: pa.RecordBatch
    sent_rejections: list[Rejection]
    rejections: list[Rejection]
    applied: int
    keyed: bool = False


Decode = Callable[[bytes, BatchHeaders, Vocabulary, int], DecodedBatch]
"""(value, headers, vocabulary, input time in ms) → DecodedBatch. Raises BatchMalformed."""


def make_output(
    message: SourceMessage,
    decode: Decode,
    no_rows: pa.RecordBatch,
    vocabulary: Vocabulary,
    limits: MessageLimits = MessageLimits(),
) -> AgentOutput:
    """Return the output of a message and its dead letters; `no_rows` is the output when it cannot be read as a whole.

    It never raises for the content of a message: a worker that died of a message would die of it again, and its
    partition would stop.
    """
    head = BatchHeaders(EXTERNAL_SOURCE, "", "", "")
    try:
        if isinstance(message.value, UndecodableBatch):
            raise BatchMalformed(Message.of(message.value.fault))
        head = BatchHeaders.decode(message.headers, message.time_ms)
        if message.value is None:
            raise BatchMalformed(Message("message_empty"))
        decoded = decode(message.value, head, vocabulary, message.time_ms)
        own = [(OWN_REJECTIONS_FROM + r.index, r) for r in decoded.rejections]
        rejections = [*((r.index, r) for r in decoded.sent_rejections), *own]
        value = arrow.encode(decoded.rows)
        _check_output(decoded, value, count_records(r for _, r in rejections), head, limits)
    except BatchMalformed as fault:
        return _refused(message, head, no_rows, fault, limits)
    except Exception as fault:  # noqa: BLE001 - whatever nobody foresaw must not stop the partition
        _log.exception("%s:%s:%s cannot be answered", message.topic, message.partition, message.offset)
        return _refused(message, head, no_rows, BatchMalformed(Message("message_unreadable", reason=fault)), limits)
    rejected: Counter[str] = Counter()
    for _, rejection in rejections:
        rejected[str(rejection.reason)] += rejection.records
    counts = _counts(message, head, applied=decoded.applied, rejected=rejected, keyed=decoded.keyed)
    dead_letters = [_dead_letter(message, head.source, index, r, limits) for index, r in rejections]
    return AgentOutput(value, counts.encode(), counts, dead_letters)


def _check_output(
    decoded: DecodedBatch, value: bytes, rejected: int, head: BatchHeaders, limits: MessageLimits
) -> None:
    """Check an output.

    Raises BatchTooLarge for one that its topic does not accept, BatchMalformed for counts beyond all bounds.
    """
    if len(value) > limits.output_bytes:
        raise BatchTooLarge(
            Message("batch_over_message", rows=decoded.rows.num_rows, bytes=len(value), max=limits.output_bytes)
        )
    if decoded.applied + rejected + head.duplicate > MAX_COUNT:
        raise BatchMalformed(Message("batch_over_count", max=MAX_COUNT))


def _refused(
    message: SourceMessage, head: BatchHeaders, no_rows: pa.RecordBatch, fault: BatchMalformed, limits: MessageLimits
) -> AgentOutput:
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
    return AgentOutput(arrow.encode(no_rows), counts.encode(), counts, [dead_letter])


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
    message: SourceMessage, source: str, index: int, rejection: Rejection, limits: MessageLimits
) -> EncodedDeadLetter:
    place = SourceOffset(message.topic, message.partition, message.first_offset)
    at = from_ms(message.time_ms)
    return DeadLetter.of_rejection(place, source, index, rejection, at, limits.dead_letter_bytes).encode()
