"""Record batches made by hand, and sent to a broker as they are: what no client library would let through."""

from __future__ import annotations

import socket
import struct
import time

import cramjam
import crc32c
from kafka.record.memory_records import MemoryRecordsBuilder

from ioc.wire.headers import Headers

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
_PRODUCE, _VERSION = 0, 7


def batch(codec: int, base: int, values: list[bytes], headers: Headers | tuple[()] = ()) -> bytes:
    """A record batch of message format 2 that begins at the offset `base`; the broker gives it another."""
    builder = MemoryRecordsBuilder(magic=2, compression_type=codec, batch_size=8 * 1024 * 1024)
    for value in values:
        builder.append(timestamp=round(time.time() * 1000), key=None, value=value, headers=list(headers))
    builder.close()
    content = bytearray(builder.buffer())
    struct.pack_into(">q", content, 0, base)
    return bytes(content)


def sealed(content: bytes) -> bytes:
    """With the checksum and the length that fit."""
    changed = bytearray(content)
    struct.pack_into(">i", changed, 8, len(content) - 12)
    struct.pack_into(">I", changed, 17, crc32c.crc32c(bytes(changed[21:])))
    return bytes(changed)


def with_codec(content: bytes, codec: int) -> bytes:
    return sealed(content[:22] + bytes([content[22] & ~7 | codec]) + content[23:])


def bomb() -> bytes:
    """One message of 65 MB in some kilobytes."""
    plain = batch(NONE, 0, [bytes(65 * 1024 * 1024)])
    return with_codec(plain[:61] + bytes(cramjam.zstd.compress(plain[61:])), ZSTD)


def send(bootstrap: str, topic: str, partition: int, content: bytes) -> int:
    """Produce one batch; its first offset. Raises RuntimeError when the broker refuses it."""
    host, _, port = bootstrap.rpartition(":")
    name = topic.encode()
    body = struct.pack(">hhi", -1, -1, 10_000)  # no transaction, all replicas, ms
    body += struct.pack(">ih", 1, len(name)) + name + struct.pack(">iii", 1, partition, len(content)) + content
    request = struct.pack(">hhih", _PRODUCE, _VERSION, 1, -1) + body
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = connection.makefile("rb")
        (size,) = struct.unpack(">i", answer.read(4))
        content = answer.read(size)
    place = 4 + 4 + 2 + len(name) + 4 + 4
    error, offset = struct.unpack_from(">hq", content, place)
    if error:
        raise RuntimeError(f"the broker refuses the batch with error {error}")
    return int(offset)
