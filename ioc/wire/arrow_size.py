"""Read from the headers of an Arrow IPC stream how large it would become, without unpacking anything.

Why it exists: a compressed buffer begins with its unpacked length, so a message of a megabyte may claim gigabytes, and
pyarrow would allocate them. The layout is that of Arrow's columnar format, `Message.fbs`: flatbuffers, of which only
the few fields needed here are read.
"""

import struct
from collections.abc import Iterator

_CONTINUES = 0xFFFFFFFF
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
_ROW_BYTES = 8
"""The least that is counted per row, even where its columns have no buffers."""


def unpacked_bytes(content: bytes) -> int:
    """Return how many bytes the stream's batches and dictionaries claim.

    Raises ValueError for anything but a stream.
    """
    try:
        return sum(_claimed(content, head, body) for head, body in _messages(content))
    except (struct.error, OverflowError) as fault:
        raise ValueError(f"the stream's heads are broken: {fault}") from fault


def _messages(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each message's flatbuffer and its body begin."""
    position = 0
    while position + 4 <= len(content):
        (size,) = struct.unpack_from("<I", content, position)
        position += 4
        if size == _CONTINUES:
            (size,) = struct.unpack_from("<I", content, position)
            position += 4
        if size == 0:
            return
        head, body = position, position + size
        yield head, body
        (length,) = _scalar(content, _root(content, head), 3, "<q") or (0,)
        if length < 0:
            raise ValueError("a body has a negative length")
        position = body + length


def _claimed(content: bytes, head: int, body: int) -> int:
    message = _root(content, head)
    (kind,) = _scalar(content, message, 1, "<B") or (0,)
    batch = _table(content, message, 2)
    if kind == _DICTIONARY_BATCH and batch is not None:
        batch = _table(content, batch, 1)
    if kind not in (_DICTIONARY_BATCH, _RECORD_BATCH) or batch is None:
        return 0
    (rows,) = _scalar(content, batch, 0, "<q") or (0,)
    is_compressed = _table(content, batch, 3) is not None
    claimed = max(0, rows) * _ROW_BYTES
    for offset, length in _buffers(content, batch):
        unpacked = -1
        if is_compressed and length >= 8:
            (unpacked,) = struct.unpack_from("<q", content, body + offset)
        claimed += max(0, length if unpacked < 0 else unpacked)
    return claimed


def _buffers(content: bytes, batch: int) -> Iterator[tuple[int, int]]:
    """Yield offset in the body and length of each buffer of a record batch."""
    vector = _table(content, batch, 2)
    if vector is None:
        return
    (count,) = struct.unpack_from("<I", content, vector)
    if count > len(content) // 16:
        raise ValueError(f"{count} buffers are more than the stream can hold")
    for n in range(count):
        offset, length = struct.unpack_from("<qq", content, vector + 4 + 16 * n)
        yield offset, length


def _root(content: bytes, head: int) -> int:
    return head + int(struct.unpack_from("<I", content, head)[0])


def _field(content: bytes, table: int, number: int) -> int | None:
    """Return the position of a table's field; None where it is left out."""
    vtable = table - int(struct.unpack_from("<i", content, table)[0])
    if vtable < 0:
        raise ValueError("a table lies before the stream")
    (size,) = struct.unpack_from("<H", content, vtable)
    if 4 + 2 * number >= size:
        return None
    (offset,) = struct.unpack_from("<H", content, vtable + 4 + 2 * number)
    return table + int(offset) if offset else None


def _scalar(content: bytes, table: int, number: int, layout: str) -> tuple[int] | None:
    position = _field(content, table, number)
    return None if position is None else (int(struct.unpack_from(layout, content, position)[0]),)


def _table(content: bytes, table: int, number: int) -> int | None:
    """Return the position of the table or vector that a field refers to."""
    position = _field(content, table, number)
    return None if position is None else position + int(struct.unpack_from("<I", content, position)[0])
