"""Unpack Kafka's record batches within bounds, each wholly or not at all.

Kafka's clients for Python unpack a batch to whatever size it claims, and fail for ever at one that they cannot read.
`RecordBatches` replaces their own reader: a batch that cannot be read comes as one record, whose value is an
`UndecodableBatch`, so that its reader can set it aside and go on. The layout is that of Kafka's message format 2.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import crc32c
import lz4.frame
import snappy
import zstandard

from ioc.errors import BatchMalformed, BatchTooLarge
from ioc.messages import Message

UNPACKED_BYTES = 64 * 1024 * 1024
"""Memory limit for the records of one batch, eight times the largest message."""
MAX_RECORDS = 200_000
"""Limit per batch: each record becomes a Python object of some hundred bytes, however small it is in the log."""
_HEAD = struct.Struct(">qiibIhiqqqhii")
_FRAME = struct.Struct(">qi")
_MAGIC_AT, _CHECKED_FROM = 16, 21
_CODEC, _CONTROL = 0x07, 0x20
_XERIAL = b"\x82SNAPPY\x00"


class UndecodableBatch(bytes):
    """The bytes of a record batch of which no record can be read; `fault` says why, in one sentence.

    It stands for the offsets [first_offset, next_offset), and for `records` messages.
    """

    first_offset: int
    next_offset: int
    records: int
    fault: str

    @classmethod
    def of(cls, content: bytes, first_offset: int, next_offset: int, records: int, fault: str) -> "UndecodableBatch":
        batch = cls(content)
        batch.first_offset, batch.next_offset = first_offset, max(first_offset + 1, next_offset)
        batch.records = max(1, min(records, batch.next_offset - first_offset, MAX_RECORDS))
        batch.fault = fault
        return batch


@dataclass(frozen=True)
class _Head:
    base_offset: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    records: int
    producer_id: int
    max_timestamp: int
    leader_epoch: int

    @classmethod
    def of(cls, content: bytes) -> "_Head":
        base, _, epoch, magic, crc, attributes, last, _, newest, producer, _, _, records = _HEAD.unpack_from(content)
        return cls(base, magic, crc, attributes, last, records, producer, newest, epoch)


def unpack(content: bytes) -> bytes:
    """Return the same batch without compression.

    Raises BatchMalformed when its checksum is wrong, its codec is unknown or its bytes are damaged, and BatchTooLarge,
    before it is unpacked, when it holds more than UNPACKED_BYTES or MAX_RECORDS.
    """
    try:
        head = _Head.of(content)
    except struct.error:
        raise BatchMalformed(Message("batch_short")) from None
    if crc32c.crc32c(memoryview(content)[_CHECKED_FROM:]) != head.crc:
        raise BatchMalformed(Message("batch_checksum"))
    if not 0 <= head.records <= MAX_RECORDS:
        raise BatchTooLarge(Message("batch_many", count=head.records, max=MAX_RECORDS))
    codec = head.attributes & _CODEC
    if codec == 0:
        return content
    if codec not in _CODECS:
        raise BatchMalformed(Message("batch_codec", codec=codec))
    name, unpack_records = _CODECS[codec]
    try:
        records = unpack_records(content[_HEAD.size :])
    except (BatchTooLarge, MemoryError):
        raise BatchTooLarge(Message("batch_unpacks", max=UNPACKED_BYTES, name=name)) from None
    except Exception as fault:  # each codec has errors of its own
        raise BatchMalformed(Message("batch_damaged", name=name, reason=str(fault))) from fault
    plain = bytearray(content[: _HEAD.size])
    struct.pack_into(">i", plain, 8, len(content[12 : _HEAD.size]) + len(records))
    struct.pack_into(">h", plain, _CHECKED_FROM, head.attributes & ~_CODEC)
    return bytes(plain) + records


class RecordBatches:
    """Records that a fetch returned for one partition, with the interface of a client's own `MemoryRecords`.

    `read` is that class; it is given one batch at a time, unpacked. Batches that the end of a fetch truncated are left
    out, as the clients do.
    """

    def __init__(self, content: bytes, read: Callable[[bytes], Any]) -> None:
        self._size_bytes = len(content)
        self._batches = _whole_batches(bytes(content))
        self._read = read
        self._next = next(self._batches, None)

    def size_in_bytes(self) -> int:
        return self._size_bytes

    def has_next(self) -> bool:
        return self._next is not None

    def next_batch(self) -> Any:
        """Return a batch of which every record can be read, or a stand-in for it; None at the end."""
        content, self._next = self._next, next(self._batches, None)
        if content is None:
            return None
        try:
            if len(content) > _MAGIC_AT and content[_MAGIC_AT] < 2:
                return _Decoded.of(self._read(content).next_batch())
            plain = unpack(content)
            batch = self._read(plain).next_batch()
            if batch.is_control_batch:
                return self._read(content).next_batch()
            return _Decoded.of(batch)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the partition must go on behind it
            return _StandIn(content, fault)


def _whole_batches(content: bytes) -> Iterator[bytes]:
    place = 0
    while place + _FRAME.size <= len(content):
        _, length = _FRAME.unpack_from(content, place)
        end = place + _FRAME.size + length
        if end > len(content):
            return
        if length <= 0:
            yield content[place:]
            return
        yield content[place:end]
        place = end


class _Decoded:
    """A client's batch whose records have all been read already."""

    def __init__(self, batch: Any, records: list[Any]) -> None:
        self._batch = batch
        self._records = records

    @classmethod
    def of(cls, batch: Any) -> "_Decoded":
        return cls(batch, list(batch))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._records)

    def validate_crc(self) -> bool:
        return True


@dataclass(frozen=True)
class _Record:
    """The one record of a stand-in, at the last offset of its batch, with the fields that both clients give."""

    offset: int
    timestamp: int
    value: UndecodableBatch
    timestamp_type: int = 1
    key: None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    checksum: None = None

    @property
    def size_in_bytes(self) -> int:
        return len(self.value)

    def validate_crc(self) -> bool:
        return True


class _StandIn:
    """Stands in for a batch that cannot be read. Its head may be damaged as well, so its fields are bounded."""

    is_control_batch = False
    is_transactional = False
    magic = 2

    def __init__(self, content: bytes, fault: Exception) -> None:
        base = int(_FRAME.unpack_from(content)[0]) if len(content) >= _FRAME.size else 0
        last, records, newest, self.producer_id, self.leader_epoch = 0, 1, 0, -1, -1
        if len(content) >= _HEAD.size and content[_MAGIC_AT] >= 2:
            head = _Head.of(content)
            last, records, newest = head.last_offset_delta, head.records, head.max_timestamp
            self.leader_epoch, self.producer_id = head.leader_epoch, head.producer_id
            self.is_transactional = bool(head.attributes & 0x10)
        if not 0 <= last < MAX_RECORDS:
            last = 0
        self.base_offset = base
        self.next_offset = base + last + 1
        sentence = f"The record batch cannot be read: {str(fault) or repr(fault)}."
        value = UndecodableBatch.of(content, base, self.next_offset, records, sentence)
        self._record = _Record(self.next_offset - 1, newest, value)

    @property
    def last_offset(self) -> int:
        return int(self.next_offset) - 1

    def has_producer_id(self) -> bool:
        return bool(self.producer_id >= 0)

    def validate_crc(self) -> bool:
        return True

    def __iter__(self) -> Iterator[_Record]:
        return iter([self._record])


def _gunzip(content: bytes) -> bytes:
    unpacked = b""
    while content:  # several members may follow each other
        stream = zlib.decompressobj(wbits=31)
        unpacked += stream.decompress(content, UNPACKED_BYTES + 1 - len(unpacked))
        _check_size(len(unpacked))
        if not stream.eof:
            raise ValueError("the stream ends early")
        content = stream.unused_data
    return unpacked


def _unsnap(content: bytes) -> bytes:
    if not content.startswith(_XERIAL):
        _check_size(_snappy_size(content))
        return bytes(snappy.decompress(content))
    blocks, place, size = [], 16, 0
    while place < len(content):
        (length,) = struct.unpack_from(">i", content, place)
        if length < 0:
            raise ValueError("a block has a negative length")
        block = content[place + 4 : place + 4 + length]
        size += _snappy_size(block)
        _check_size(size)
        blocks.append(snappy.decompress(block))
        place += 4 + length
    return b"".join(blocks)


def _snappy_size(block: bytes) -> int:
    """Return the unpacked size with which each block begins, seven bits per byte, the lowest first."""
    size = 0
    for place, byte in enumerate(block[:5]):
        size |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return size
    raise ValueError("a block has no size")


def _unlz4(content: bytes) -> bytes:
    unpacked = b""
    while content:
        stream = lz4.frame.LZ4FrameDecompressor()
        unpacked += stream.decompress(content, max_length=UNPACKED_BYTES + 1 - len(unpacked))
        _check_size(len(unpacked))
        if not stream.eof:
            raise ValueError("the frame ends early")
        content = stream.unused_data or b""
    return unpacked


def _unzstd(content: bytes) -> bytes:
    # The window is memory that a frame may ask for before a byte of it is unpacked.
    reader = zstandard.ZstdDecompressor(max_window_size=UNPACKED_BYTES).stream_reader(content, read_across_frames=True)
    parts, size = [], 0
    while part := reader.read(1024 * 1024):
        size += len(part)
        _check_size(size)
        parts.append(part)
    return b"".join(parts)


def _check_size(size_bytes: int) -> None:
    if size_bytes > UNPACKED_BYTES:
        raise BatchTooLarge(Message("batch_memory"))


_CODECS: dict[int, tuple[str, Callable[[bytes], bytes]]] = {
    1: ("gzip", _gunzip),
    2: ("snappy", _unsnap),
    3: ("lz4", _unlz4),
    4: ("zstd", _unzstd),
}
