"""Dead letters on the wire: what agents write to `ioc.dead-letters.v1` and the historian reads from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from ioc.clock import rfc3339
from ioc.errors import BatchMalformed
from ioc.messages import Message
from ioc.model.rejection import Reason, Rejection
from ioc.wire.headers import MAX_COUNT, MAX_OFFSET, MAX_PARTITION, Headers, bounded, source_name
from ioc.wire.record_batches import UndecodableBatch

WHOLE_MESSAGE = -1
"""Index of a dead letter that is a whole message."""
MAX_CONTENT_BYTES = 1_000_000
_MAX_TEXT_WRITTEN = 500
_MAX_TEXT_READ = 1000


class SourceOffset(NamedTuple):
    """Where a message is: its topic, partition and offset."""

    topic: str
    partition: int
    offset: int


class EncodedDeadLetter(NamedTuple):
    """A message of `ioc.dead-letters.v1`."""

    key: bytes
    value: bytes
    headers: Headers


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One unfit record, or several with the same fault.

    `key` is {topic}:{partition}:{offset}:{index} of the message that held it; `at` is when the broker received that
    message. `cut_from` is the size in bytes of a record of which `content` holds only the beginning. With `records`
    above 1 it stands for that many, one per line of `content`. `place` is what a replay needs besides the content.
    """

    key: str
    source: str
    topic: str
    partition: int
    offset: int
    index: int
    field: str
    reason: str
    message: str
    content: bytes
    cut_from: int | None
    at: datetime
    records: int = 1
    place: str | None = None

    @classmethod
    def of_rejection(
        cls,
        message: SourceOffset,
        source: str,
        index: int,
        rejection: Rejection,
        at: datetime,
        max_bytes: int = MAX_CONTENT_BYTES,
    ) -> DeadLetter:
        """Return the dead letter of a record of a message; content and place beyond `max_bytes` are cut or left out."""
        content = bytes(rejection.content)
        return cls(
            key=f"{message.topic}:{message.partition}:{message.offset}:{index}",
            source=source,
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            index=index,
            field=rejection.field,
            reason=rejection.reason,
            message=rejection.message,
            content=content[:max_bytes],
            cut_from=len(content) if len(content) > max_bytes else None,
            at=at,
            records=rejection.records,
            place=rejection.place if 0 < len(rejection.place) <= max_bytes else None,
        )

    def encode(self) -> EncodedDeadLetter:
        """Encode as a message; texts beyond 500 characters are cut."""
        headers = [
            ("ioc-source", self.source.encode()),
            ("source-topic", self.topic.encode()),
            ("source-partition", b"%d" % self.partition),
            ("source-offset", b"%d" % self.offset),
            ("ioc-index", b"%d" % self.index),
            ("ioc-field", _cut_text(self.field)),
            ("ioc-reason", _cut_text(self.reason)),
            ("ioc-message", _cut_text(self.message)),
            ("ioc-time", rfc3339(self.at).encode()),
        ]
        if self.records > 1:
            headers.append(("ioc-records", b"%d" % self.records))
        if self.place is not None:
            headers.append(("ioc-place", self.place.encode(errors="replace")))
        if self.cut_from is not None:
            headers.append(("ioc-cut", b"%d" % self.cut_from))
        return EncodedDeadLetter(self.key.encode(), self.content, headers)

    @classmethod
    def decode(cls, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> DeadLetter:
        """Decode a message.

        Raises BatchMalformed for what is not a dead letter, or has a number or time that no column holds: only our
        agents write that topic, but anybody may try.
        """
        if isinstance(value, UndecodableBatch):
            raise BatchMalformed(Message.of(value.fault))
        found = {name: content or b"" for name, content in headers}
        try:
            return cls(
                key=_text(key or b""),
                source=source_name(found["ioc-source"]),
                topic=_text(found["source-topic"]),
                partition=bounded(found["source-partition"], 0, MAX_PARTITION),
                offset=bounded(found["source-offset"], 0, MAX_OFFSET),
                index=bounded(found["ioc-index"], WHOLE_MESSAGE, 2 * MAX_COUNT),
                field=_text(found["ioc-field"]),
                reason=Reason(found["ioc-reason"].decode()),
                message=_text(found["ioc-message"]),
                content=(value or b"")[:MAX_CONTENT_BYTES],
                cut_from=_cut_from(found.get("ioc-cut"), value or b""),
                at=_time(found["ioc-time"].decode()),
                records=bounded(found.get("ioc-records", b"1"), 1, MAX_COUNT),
                place=_place(found.get("ioc-place")),
            )
        except (KeyError, ValueError, OverflowError) as fault:
            raise BatchMalformed(Message("dead_letter_header", reason=str(fault))) from fault


def _cut_text(text: str) -> bytes:
    cut = text if len(text) <= _MAX_TEXT_WRITTEN else text[:_MAX_TEXT_WRITTEN] + "…"
    return cut.encode(errors="replace")


def _text(content: bytes) -> str:
    text = content.decode(errors="replace")
    if len(text) > _MAX_TEXT_READ:
        raise ValueError(f"of at most {_MAX_TEXT_READ} characters: {text[:40]!r}…")
    return text


def _place(header: bytes | None) -> str | None:
    return header.decode() if header is not None and len(header) <= MAX_CONTENT_BYTES else None


def _cut_from(header: bytes | None, value: bytes) -> int | None:
    if header is not None:
        return bounded(header, 0, MAX_OFFSET)
    return len(value) if len(value) > MAX_CONTENT_BYTES else None


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text).astimezone(UTC)
    if not 1970 <= at.year <= 9998:
        raise ValueError(f"ioc-time: {text[:40]} is out of the calendar")
    return at
