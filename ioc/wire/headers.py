"""Message headers: CloudEvents in binary mode, and the centre's own counts and offsets.

The counts travel with the data, so that the ledger grows in the transaction that applies the data.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson

from ioc.clock import LAST_MS
from ioc.errors import BatchMalformed
from ioc.messages import Message
from ioc.model.rejection import Reason

ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"
NDJSON = "application/x-ndjson"
CSV = "text/csv"

CORRECTION = b"correction"
"""Value of the header `ioc-same-key` of a batch whose readings replace earlier ones with the same key."""

Headers = list[tuple[str, bytes]]
EXTERNAL_SOURCE = "kafka"
"""The name under which the ledger counts messages of producers that do not name a source."""
MAX_COUNT = 2**31 - 1
"""Records of one batch; the sum over all batches that a partition can hold then fits into 64 bits."""
MAX_OFFSET = 2**63 - 2
MAX_PARTITION = 2**31 - 1
MAX_NAME = 100
GENERATION_AHEAD_MS = 86_400_000
"""A generation is the time in ms when its writer started; so far may the writer's clock be ahead of the broker's."""
_REASONS = frozenset(map(str, Reason))
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class BatchHeaders:
    """Headers of an input batch (`ioc.readings.v1`, `ioc.cases.v1`).

    `generation` grows with each start of a source's writer and `sequence` with each of its batches: a batch of an older
    generation after one of a newer generation is an echo of a dead writer. `position` is the source's own position
    after this batch, `requests` the answered idempotency keys. `received` counts all records behind the batch: the
    rows, the rejections it carries, and the `duplicate` ones that were dropped. With `corrects`, a reading replaces an
    earlier one of the source with the same key (measure, unit, subject, time).
    """

    source: str
    kind: str
    batch_id: str
    time: str
    generation: int = 0
    sequence: int = 0
    received: int | None = None
    duplicate: int = 0
    content_type: str = ARROW
    position: Any = None
    requests: Mapping[str, Any] = field(default_factory=dict)
    corrects: bool = False

    def encode(self) -> Headers:
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", self.batch_id.encode()),
            ("ce_source", f"/sources/{self.source}".encode()),
            ("ce_type", f"vn.ioc.{self.kind}.v1".encode()),
            ("ce_time", self.time.encode()),
            ("content-type", self.content_type.encode()),
            ("ioc-generation", b"%d" % self.generation),
            ("ioc-sequence", b"%d" % self.sequence),
            ("ioc-duplicate", b"%d" % self.duplicate),
        ]
        if self.received is not None:
            headers.append(("ioc-received", b"%d" % self.received))
        if self.position is not None:
            headers.append(("ioc-position", orjson.dumps(self.position)))
        if self.requests:
            headers.append(("ioc-requests", orjson.dumps(self.requests)))
        if self.corrects:
            headers.append(("ioc-same-key", CORRECTION))
        return headers

    @classmethod
    def decode(cls, headers: Iterable[tuple[str, bytes]], taken_ms: int = LAST_MS) -> "BatchHeaders":
        """Decode headers.

        A producer outside the centre may send none; the source is then `ce_source`, or EXTERNAL_SOURCE.

        `taken_ms` is when the broker received the batch. Raises BatchMalformed when a header of the centre does not
        parse or is out of its bounds; one of these bounds is that a generation lies at most a day ahead of that time.
        """
        found = {name.lower(): value or b"" for name, value in headers}
        requests = _read(found, "ioc-requests", orjson.loads, {})
        if not isinstance(requests, dict):
            raise BatchMalformed(Message("header_requests"))
        generation = _read(found, "ioc-generation", _number, 0)
        check_generation(generation, taken_ms)
        return cls(
            source=_read(found, "ce_source", source_name, "") or EXTERNAL_SOURCE,
            kind=[*_read(found, "ce_type", bytes.decode, "").split("."), "", "", ""][2],
            batch_id=_read(found, "ce_id", bytes.decode, ""),
            time=_read(found, "ce_time", bytes.decode, ""),
            generation=generation,
            sequence=_read(found, "ioc-sequence", _number, 0),
            received=_read(found, "ioc-received", _count, None),
            duplicate=_read(found, "ioc-duplicate", _count, 0),
            content_type=_read(found, "content-type", bytes.decode, JSON).split(";")[0].strip().lower(),
            position=_read(found, "ioc-position", orjson.loads, None),
            requests=requests,
            corrects=found.get("ioc-same-key") == CORRECTION,
        )


@dataclass(frozen=True)
class OutputHeaders:
    """Headers of an agent's output: which input it answers, and the counts of that input.

    received = applied + duplicate + sum of rejected. `input_time_ms` is when the broker received the input. `keyed`:
    the rows are single readings (`schemas.KEYED_READINGS`) instead of panes. Where several inputs are in a record batch
    that cannot be read, one output answers all of them: [offset, end_offset).
    """

    topic: str
    partition: int
    offset: int
    source: str
    generation: int
    sequence: int
    received: int
    applied: int
    duplicate: int
    rejected: Mapping[str, int]
    input_time_ms: int
    keyed: bool = False
    inputs: int = 1

    @property
    def end_offset(self) -> int:
        return self.offset + self.inputs

    def encode(self) -> Headers:
        several = [("source-inputs", b"%d" % self.inputs)] if self.inputs != 1 else []
        return [
            *several,
            ("source-topic", self.topic.encode()),
            ("source-partition", b"%d" % self.partition),
            ("source-offset", b"%d" % self.offset),
            ("ioc-source", self.source.encode()),
            ("ioc-generation", b"%d" % self.generation),
            ("ioc-sequence", b"%d" % self.sequence),
            ("ioc-received", b"%d" % self.received),
            ("ioc-applied", b"%d" % self.applied),
            ("ioc-duplicate", b"%d" % self.duplicate),
            ("ioc-rejected", orjson.dumps(self.rejected)),
            ("ioc-input-time", b"%d" % self.input_time_ms),
            ("content-type", ARROW.encode()),
            *([("ioc-same-key", CORRECTION)] if self.keyed else []),
        ]

    @classmethod
    def decode(cls, headers: Iterable[tuple[str, bytes]]) -> "OutputHeaders":
        """Decode headers.

        Raises BatchMalformed when one is missing or out of its bounds, or the counts do not add up: only our agents
        write these topics, but anybody may try.
        """
        found = {name: value or b"" for name, value in headers}
        output = cls(
            topic=_read(found, "source-topic", bytes.decode),
            partition=_read(found, "source-partition", _partition),
            offset=_read(found, "source-offset", _offset),
            source=_read(found, "ioc-source", source_name),
            generation=_read(found, "ioc-generation", _number),
            sequence=_read(found, "ioc-sequence", _number),
            received=_read(found, "ioc-received", _count),
            applied=_read(found, "ioc-applied", _count),
            duplicate=_read(found, "ioc-duplicate", _count),
            rejected=_read(found, "ioc-rejected", _rejected),
            input_time_ms=_read(found, "ioc-input-time", _moment),
            keyed=found.get("ioc-same-key") == CORRECTION,
            inputs=_read(found, "source-inputs", _count, 1),
        )
        check_generation(output.generation, output.input_time_ms)
        if output.received != output.applied + output.duplicate + sum(output.rejected.values()):
            raise BatchMalformed(Message("output_counts", received=output.received))
        if output.inputs < 1 or output.end_offset > MAX_OFFSET:
            raise BatchMalformed(Message("output_inputs", inputs=output.inputs, offset=output.offset))
        return output


def check_generation(generation: int, taken_ms: int) -> None:
    """Check a generation.

    Raises BatchMalformed for one that no writer can have, since it would make all later batches of the source look like
    echoes.
    """
    if generation > taken_ms + GENERATION_AHEAD_MS:
        raise BatchMalformed(Message("generation_ahead", generation=generation, taken_ms=taken_ms))


def source_name(text: bytes) -> str:
    """Return the last part of a path, or the name itself. Raises ValueError."""
    name = text.decode().rsplit("/", 1)[-1]
    if len(name) > MAX_NAME or not name.isprintable():
        raise ValueError(f"is not the name of a source of at most {MAX_NAME} characters")
    return name


def bounded(text: bytes, least: int, most: int) -> int:
    """Parse a whole number within bounds, in decimal digits. Raises ValueError."""
    number = int(text) if len(text) <= 20 else None
    if number is None or not least <= number <= most:
        raise ValueError(f"is {text[:40].decode(errors='replace')!r}, not a whole number from {least} to {most}")
    return number


def _count(text: bytes) -> int:
    return bounded(text, 0, MAX_COUNT)


def _number(text: bytes) -> int:
    return bounded(text, 0, 2**63 - 1)


def _offset(text: bytes) -> int:
    return bounded(text, 0, MAX_OFFSET - 1)


def _partition(text: bytes) -> int:
    return bounded(text, 0, MAX_PARTITION)


def _moment(text: bytes) -> int:
    return bounded(text, 0, LAST_MS)


def _rejected(text: bytes) -> dict[str, int]:
    counts = orjson.loads(text)
    if not isinstance(counts, dict) or not all(
        reason in _REASONS and type(n) is int and 0 <= n <= MAX_COUNT for reason, n in counts.items()
    ):
        raise ValueError("is not an object of counts by reason")
    return counts


_REQUIRED: Any = object()


def _read(found: Mapping[str, bytes], name: str, parse: Callable[[bytes], _Found], absent: Any = _REQUIRED) -> _Found:
    """Return the parsed header, or `absent`. Raises BatchMalformed."""
    if name not in found:
        if absent is _REQUIRED:
            raise BatchMalformed(Message("header_missing_one", name=name))
        return absent  # type: ignore[no-any-return]
    try:
        return parse(found[name])
    except orjson.JSONDecodeError as fault:
        raise BatchMalformed(Message("header_not_json", name=name, reason=str(fault))) from fault
    except UnicodeDecodeError as fault:
        raise BatchMalformed(Message("header_not_utf8", name=name, reason=str(fault))) from fault
    except ValueError as fault:
        raise BatchMalformed(Message("header_invalid", name=name, reason=str(fault))) from fault
