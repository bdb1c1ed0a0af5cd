"""The disk buffer of one source: messages in order, kept until the broker has them.

A frame is: length and CRC-32 of the rest, length of a JSON head, head, value. A torn end, which a crash in the middle
of a write leaves, is cut off with the whole group it belongs to: none of that was reported safe.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

import orjson

from connectors.batching import OutgoingMessage
from connectors.checkpoint import Serial
from ioc.errors import SpoolFull
from ioc.messages import Message

_FRAME = struct.Struct(">III")


@dataclass(frozen=True)
class SpooledMessage:
    """A frame on disk: all of the message but its value, which `Spool.value` reads."""

    serial: Serial
    topic: str
    received: int
    duplicate: int
    rejected: int
    position: Any
    requests: dict[str, Any]
    ends_group: bool
    value_at: int
    value_bytes: int


class Spool:
    """The file `<data_dir>/spool/<source>.spool`. Used by one thread at a time."""

    def __init__(self, data_dir: Path, source: str, max_bytes: int) -> None:
        path = data_dir / "spool" / f"{source}.spool"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = open(path, "r+b" if path.exists() else "w+b", buffering=0)  # noqa: PTH123, SIM115
        self._max_bytes = max_bytes
        self.size_bytes = 0

    def load(self) -> list[SpooledMessage]:
        """Return all whole groups in order, and cut off what comes after them."""
        frames: list[SpooledMessage] = []
        group: list[SpooledMessage] = []
        self.size_bytes = 0
        for frame, end in self._frames():
            group.append(frame)
            if frame.ends_group:
                frames += group
                group = []
                self.size_bytes = end
        self._file.truncate(self.size_bytes)
        return frames

    def room_bytes(self) -> int:
        """Return how many bytes may still be added."""
        return self._max_bytes - self.size_bytes

    def append(self, messages: Sequence[tuple[Serial, OutgoingMessage]]) -> list[SpooledMessage]:
        """Add messages; they are on disk when this returns. Raises SpoolFull, and then the file is as it was."""
        frames: list[SpooledMessage] = []
        parts: list[bytes] = []
        at = self.size_bytes
        for serial, message in messages:
            head = {
                "serial": serial,
                "topic": message.topic,
                "received": message.received,
                "duplicate": message.duplicate,
                "rejected": message.rejected,
                "position": message.position,
                "requests": message.requests,
                "ends_group": message.ends_group,
            }
            packed = orjson.dumps(head)
            length = len(packed) + len(message.value)
            checksum = crc32(message.value, crc32(packed))
            parts += [_FRAME.pack(length, checksum, len(packed)), packed, message.value]
            value_at = at + _FRAME.size + len(packed)
            frames.append(_spooled(head, value_at, len(message.value)))
            at = value_at + len(message.value)
        try:
            self._file.seek(self.size_bytes)
            unwritten = memoryview(b"".join(parts))
            while unwritten:
                unwritten = unwritten[self._file.write(unwritten) :]
            os.fsync(self._file.fileno())
        except OSError as fault:
            self._file.truncate(self.size_bytes)
            raise SpoolFull(Message("buffer_failed", reason=fault.strerror)) from fault
        self.size_bytes = at
        return frames

    def value(self, frame: SpooledMessage) -> bytes:
        """Read the value of a message."""
        self._file.seek(frame.value_at)
        return self._file.read(frame.value_bytes)

    def clear(self) -> None:
        """Remove everything: all of it has been delivered."""
        if self.size_bytes:
            self._file.truncate(0)
            self.size_bytes = 0

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _frames(self) -> Iterator[tuple[SpooledMessage, int]]:
        at = 0
        self._file.seek(0)
        while len(start := self._file.read(_FRAME.size)) == _FRAME.size:
            length, checksum, head_bytes = _FRAME.unpack(start)
            body = self._file.read(length)
            if len(body) != length or crc32(body) != checksum:
                return
            value_at = at + _FRAME.size + head_bytes
            at += _FRAME.size + length
            yield _spooled(orjson.loads(body[:head_bytes]), value_at, length - head_bytes), at


def _spooled(head: dict[str, Any], value_at: int, value_bytes: int) -> SpooledMessage:
    generation, count = head["serial"]
    return SpooledMessage(**{**head, "serial": (generation, count)}, value_at=value_at, value_bytes=value_bytes)
