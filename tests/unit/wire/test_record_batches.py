"""Record batches as Kafka's two clients read them here: every codec, and what stands in for what cannot be read."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from typing import Any

import cramjam
import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED
from aiokafka.consumer.fetcher import PartitionRecords as AiokafkaRecords
from aiokafka.record.memory_records import MemoryRecords as AiokafkaMemoryRecords
from kafka import TopicPartition
from kafka.protocol.consumer import IsolationLevel
from kafka.record import MemoryRecords

from ioc.kafka import _SoundRecords
from ioc.wire import record_batches
from ioc.wire.record_batches import RecordBatches, UndecodableBatch
from tests.support.raw_batches import GZIP, LZ4, NONE, SNAPPY, ZSTD, batch, sealed, with_codec

PLACE = TopicPartition("ioc.readings.v1", 0)
TEXT = b'{"measure": "traffic.vehicles", "unit": "19753", "value": 7}'
CSV = [("content-type", b"text/csv")]
Read = Callable[[bytes, int], list[Any]]


def by_kafka_python(content: bytes, offset: int) -> list[Any]:
    records = _SoundRecords(
        offset, PLACE, MemoryRecords(content), isolation_level=IsolationLevel.READ_COMMITTED, aborted_transactions=[]
    )
    return list(records.take())


def by_aiokafka(content: bytes, offset: int) -> list[Any]:
    records = RecordBatches(content, AiokafkaMemoryRecords)
    return list(AiokafkaRecords(PLACE, records, [], offset, None, None, True, READ_COMMITTED))


READERS = pytest.mark.parametrize("read", [by_kafka_python, by_aiokafka], ids=["kafka-python", "aiokafka"])


def bomb(codec: int, packed: bytes) -> bytes:
    return with_codec(batch(NONE, 10, [TEXT])[:61] + packed, codec)


@READERS
@pytest.mark.parametrize("codec", [NONE, GZIP, SNAPPY, LZ4, ZSTD], ids=["none", "gzip", "snappy", "lz4", "zstd"])
def test_every_codec(read: Read, codec: int) -> None:
    content = batch(codec, 10, [TEXT] * 200, CSV)
    assert (len(content) < 4000) == (codec != NONE), "it really is compressed"
    records = read(content + batch(codec, 210, [b"last"]), 10)
    assert [record.offset for record in records] == list(range(10, 211))
    assert [record.value for record in records] == [TEXT] * 200 + [b"last"]
    assert list(records[0].headers) == CSV


@READERS
def test_reading_on_from_the_middle_of_a_batch(read: Read) -> None:
    assert [record.offset for record in read(batch(ZSTD, 10, [TEXT] * 5), 13)] == [13, 14]


SOUND = batch(LZ4, 10, [TEXT] * 4)
NOT_UTF_8 = batch(NONE, 10, [TEXT] * 4, CSV).replace(b"content-type", b"content\xff\xfe\xfd\xfc\xfb")
SEVERAL = 4 * 1024 * 1024
UNREADABLE = {
    "a checksum that does not fit": SOUND[:70] + b"?" + SOUND[71:],
    "a codec that nobody knows": with_codec(SOUND, 7),
    "lz4 that is none": with_codec(batch(NONE, 10, [TEXT] * 4), LZ4),
    "gzip that is none": with_codec(batch(NONE, 10, [TEXT] * 4), GZIP),
    "snappy that is none": with_codec(batch(NONE, 10, [TEXT] * 4), SNAPPY),
    "zstd that is none": with_codec(batch(NONE, 10, [TEXT] * 4), ZSTD),
    "lz4 that ends early": sealed(SOUND[:-20]),
    "a header's name that is no UTF-8": sealed(NOT_UTF_8),
    "more records than it holds": sealed(SOUND[:57] + struct.pack(">i", 9) + SOUND[61:]),
    "as many records as fit into 31 bits": sealed(SOUND[:57] + struct.pack(">i", 2**31 - 1) + SOUND[61:]),
    "a negative number of records": sealed(SOUND[:57] + struct.pack(">i", -5) + SOUND[61:]),
    "gzip of more than is held": bomb(GZIP, gzip.compress(bytes(SEVERAL))),
    "snappy of more than is held": bomb(SNAPPY, bytes(cramjam.snappy.compress_raw(bytes(SEVERAL)))),
    "lz4 of more than is held": bomb(LZ4, bytes(cramjam.lz4.compress(bytes(SEVERAL)))),
    "zstd of more than is held": bomb(ZSTD, bytes(cramjam.zstd.compress(bytes(SEVERAL)))),
}  # fmt: skip


@READERS
@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in UNREADABLE.items()])
def test_what_cannot_be_read_comes_as_one_record_and_the_next_batch_follows(
    read: Read, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_batches, "UNPACKED_BYTES", SEVERAL - 1)
    after = struct.unpack_from(">i", content, 23)[0] + 11
    [stand_in, last] = read(content + batch(SNAPPY, after, [b"next"]), 10)
    assert isinstance(stand_in.value, UndecodableBatch)
    assert stand_in.value == content
    assert stand_in.value.fault.startswith("The record batch cannot be read: ")
    assert (stand_in.value.first_offset, stand_in.value.next_offset) == (10, after)
    assert stand_in.offset == after - 1
    assert 1 <= stand_in.value.records <= 4
    assert (last.offset, last.value) == (after, b"next")


@READERS
def test_a_head_that_lies_moves_the_reader_by_one_message(read: Read) -> None:
    lying = SOUND[:23] + struct.pack(">i", 2**31 - 1) + SOUND[27:]
    [stand_in] = read(lying, 10)
    assert (stand_in.value.first_offset, stand_in.value.next_offset, stand_in.value.records) == (10, 11, 1)
