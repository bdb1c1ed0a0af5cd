"""Hostile Kafka messages: headers, JSON, Arrow and its metadata, record batches, outputs, dead letters. Pure."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from ioc import topics
from ioc.model.rejection import Reason, Rejection
from ioc.wire import arrow
from ioc.wire.headers import CORRECTION, BatchHeaders, Headers
from tests.support import raw_batches
from tests.support.case_batches import CASE
from tests.support.case_batches import batch as case_batch
from tests.support.mutations import mutated
from tests.support.reading_batches import batch, row

READING = {"measure": "level", "unit": "46", "time": "2026-11-22T10:00:00Z", "value": 1.5, "subject": "A"}
JSON_CASE = {
    "case_type": "dossier", "case_id": "H57-1", "unit": "46", "status": "received", "attributes": {"fee": 1},
    "received_at": "2026-11-22T10:00:00Z", "updated_at": "2026-11-22T10:00:00Z",
}  # fmt: skip
NUMBERS = (
    b"0", b"-1", b"1", b"2147483647", b"2147483648", b"9223372036854775807", b"9223372036854775808", b"9" * 20,
    b"-9223372036854775809", b"1" * 5000, b"", b"1_0", b" 7 ", "٣".encode(), b"1e3", b"0x10", b"NaN", b"null", b"\xff",
)  # fmt: skip
TIMES = (
    b"0001-01-01T00:00:00+14:00",
    b"9999-12-31T23:59:59-14:00",
    b"2026-11-22",
    b"",
    b"1" * 40,
    b"\xff",
    b"2026-13-01",
)
TYPES = (
    b"application/json",
    b"application/x-ndjson",
    b"text/csv",
    b"",
    b"x/y",
    b"\xff",
    b"application/json; charset=x",
)
CSV = b"measure,unit,time,value\nlevel,46,2026-11-22T10:00:00Z,1\nlevel,46,2026-11-22T10:00:00Z,x\n"
RECORDS = (
    json.dumps(READING).encode(),
    json.dumps([READING, JSON_CASE, {**READING, "value": "NaN"}]).encode(),
    json.dumps(JSON_CASE).encode(),
    b"\n".join(json.dumps(record).encode() for record in (READING, JSON_CASE, READING)),
    CSV,
    b"[" + b"{}," * 2500 + b"{}]",
)
NAMES = [name for name, _ in BatchHeaders("s", "k", "i", "t", received=1, position=1, requests={"a": 1}).encode()]
REJECTED = [Rejection(3, "value", Reason.NOT_FINITE, "no", b"{}"), Rejection(4, "", Reason.MALFORMED, "no", b"x", 7)]


@dataclass(frozen=True)
class Input:
    """A message, or with `is_batch` the bytes of a whole record batch."""

    topic: str
    partition: int
    value: bytes | None
    headers: Headers
    is_batch: bool = False


def inputs(rng: random.Random, count: int, partitions: int) -> list[Input]:
    """Messages for the input topics, about a quarter of them sound."""
    return [_input(rng, rng.randrange(partitions)) for _ in range(count)]


def _input(rng: random.Random, partition: int) -> Input:
    topic = rng.choice([topics.READINGS, topics.CASES])
    kind = rng.randrange(10)
    if kind == 0:
        return Input(topic, partition, _damaged_batch(rng), [], is_batch=True)
    if kind == 1:
        return Input(topic, partition, rng.choice([None, b"", rng.randbytes(rng.randrange(300))]), odd_headers(rng))
    if kind < 5:
        value = rng.choice(RECORDS) if rng.random() < 0.3 else mutated(RECORDS, rng)
        return Input(topic, partition, value, [("content-type", rng.choice(TYPES))] if rng.random() < 0.7 else [])
    value = arrow_batch(rng, topic)
    if rng.random() < 0.5:
        value = mutated([value], rng)
    headers = BatchHeaders(
        f"source-{partition}", "any", "", "", rng.randrange(3), rng.randrange(9), received=50
    ).encode()
    if topic == topics.READINGS and rng.random() < 0.2:
        headers.append(("ioc-same-key", CORRECTION))
    return Input(topic, partition, value, [*headers, *odd_headers(rng)] if rng.random() < 0.4 else headers)


def arrow_batch(rng: random.Random, topic: str) -> bytes:
    """Sound rows; their metadata has refusals, and now and then what no connector writes."""
    start = rng.randrange(1000)
    if topic == topics.READINGS:
        rows = batch(row(f"{n % 60} {n} S{n % 7}", m) for n in range(start, start + 9) for m in ("level", "seen", "x"))
    else:
        rows = case_batch(*[{**CASE, "case_id": f"H57-{n}"} for n in range(start, start + 9)])
    if rng.random() < 0.5:
        return arrow.encode(rows, REJECTED if rng.random() < 0.5 else ())
    content = json.dumps([[json.loads(_number(rng)), "f", "malformed", "m", "e30=", json.loads(_number(rng))]]).encode()
    odd = rows.replace_schema_metadata({arrow.REJECTIONS: content if rng.random() < 0.7 else mutated([content], rng)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, odd.schema) as writer:
        writer.write_batch(odd)
    return bytes(sink.getvalue())


def _number(rng: random.Random) -> bytes:
    return rng.choice(
        [b"0", b"1", b"-1", b"99999999999999999999", b"9223372036854775807", b"1.5", b"null", b'"1"', b"[]"]
    )


def odd_headers(rng: random.Random, names: Sequence[str] = NAMES) -> Headers:
    odd = (*NUMBERS, *TIMES, *TYPES, b"{}", b"[1]", b"/sources/" + b"x" * 300, b'{"malformed": 9223372036854775807}')
    return [(rng.choice(names), rng.choice(odd)) for _ in range(rng.randrange(1, 4))]


def _damaged_batch(rng: random.Random) -> bytes:
    """Of one to four messages, in any codec, whose head says how many offsets it takes."""
    codec = rng.randrange(5)
    content = raw_batches.batch(codec, 0, [mutated(RECORDS[:3], rng) for _ in range(rng.randrange(1, 5))])
    head, records = content[:61], content[61:]
    damage = rng.randrange(4)
    if damage == 0:
        return content
    if damage == 1:
        return raw_batches.sealed(head + mutated([records], rng))
    if damage == 2:
        return raw_batches.with_codec(content, rng.randrange(8))
    return head[:17] + struct.pack(">I", rng.randrange(2**32)) + head[21:] + mutated([records], rng)


def strangers(rng: random.Random, count: int, sound: Sequence[Input]) -> list[Input]:
    """Messages for the topics of outputs and dead letters that no agent sends, made from `sound` ones."""
    found = []
    for _ in range(count):
        model = rng.choice(sound)
        headers = list(model.headers)
        for _ in range(rng.randrange(1, 3)):
            place = rng.randrange(len(headers))
            name, value = headers[place]
            odd = rng.choice([*NUMBERS, *TIMES, mutated([value or b""], rng)])
            headers[place : place + 1] = [] if rng.random() < 0.2 else [(name, odd)]
            if not headers:
                break
        value = model.value if rng.random() < 0.5 else mutated([model.value or b""], rng)  # type: ignore[assignment]
        found.append(Input(model.topic, model.partition, value, headers))
    return found
