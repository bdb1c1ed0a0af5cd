"""Faults that come from outside: messages, files, connections, and a log that has lost its end."""

import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import psutil
from kafka import KafkaProducer

from ioc.model.case import Case
from ioc.model.reading import Reading
from ioc.topics import CASES, DEAD_LETTERS, PANES, READINGS, partition_of
from tests.acceptance.known_flow import HOST, push_until_taken, put_file
from tests.acceptance.log_tail import cut_last_batch
from tests.acceptance.scene import Scene
from tests.acceptance.sector_systems import case_json, ndjson_of
from tests.support import raw_batches
from tests.support.running_centre import RunningCentre, wait_for

PARTITIONS = 4
IDLE = 1000
SLOW = 200
FOREIGN = "foreign"


@contextmanager
def cut_tail(scene: Scene) -> Iterator[None]:
    """Cut a batch that the store has off the log while the broker is down."""
    centre, beat, now = scene.centre, scene.beat, datetime.now(UTC).replace(microsecond=0)
    number = scene.next_number()
    received = now - timedelta(minutes=80)
    case = Case("dossier", f"TAIL-{number}", "19753", "received", received, received, "online")
    before = _account(centre, beat)
    push_until_taken(centre, beat, case_json(case), f"tail-{number}")
    wait_for("the case in the store", lambda: _account(centre, beat) > before, 60)
    scene.extra_cases.append(case)
    partition = partition_of(beat, PARTITIONS)
    supervisor = psutil.Process(centre.process.pid if centre.process else 0)
    supervisor.suspend()
    try:
        [broker] = centre.processes("broker")
        broker.kill()
        wait_for("the broker's end", lambda: broker.status() == psutil.STATUS_ZOMBIE, 10, 0.01)
        scene.cuts.append((CASES, partition, cut_last_batch(centre.data_dir / "kafka" / "data", CASES, partition)))
    finally:
        supervisor.resume()
    yield


def _account(centre: RunningCentre, source: str) -> int:
    """Cases that the store has of the test's own source, and of nobody else in its partition."""
    ledger = centre.ledger()
    return sum(p["next_offset"] for p in ledger["partitions"] if _is_place(p, CASES, partition_of(source, PARTITIONS)))


def _is_place(account: dict, topic: str, partition: int) -> bool:
    return (account["topic"], account["partition"]) == (topic, partition)


@contextmanager
def poison(scene: Scene) -> Iterator[None]:
    """Messages that no program of ours writes, on inputs, outputs and dead letters."""
    huge = b"9223372036854775807"
    producer = KafkaProducer(bootstrap_servers=scene.centre.kafka)
    partition = scene.rng.randrange(PARTITIONS)
    name = b"/sources/" + FOREIGN.encode()
    for topic, where, value, headers in (
        (READINGS, partition, b"\xff\x00 no records", [("ce_source", name)]),
        (READINGS, partition, b"[]", [("ce_source", name), ("ioc-duplicate", huge)]),
        (CASES, partition, None, [("ce_source", name), ("ioc-generation", huge), ("ioc-received", huge)]),
        (PANES, partition, b"cut off", [("source-offset", huge)]),
        (DEAD_LETTERS, 0, b"x", [("ioc-time", b"0001-01-01T00:00:00+14:00")]),
    ):
        producer.send(topic, value, b"poison", headers, where).get(30)
    producer.close()
    raw_batches.send(scene.centre.kafka, READINGS, partition, raw_batches.bomb())
    yield


@contextmanager
def send_compressed(scene: Scene) -> Iterator[None]:
    """One batch of each codec by a producer that is not ours, as JSON lines."""
    headers = [("ce_source", b"/sources/" + FOREIGN.encode()), ("content-type", b"application/x-ndjson")]
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    for codec in range(5):
        base = scene.next_number() * 1000
        readings = [
            Reading("air.pm10", "19753", now + timedelta(milliseconds=base + n), n / 8, f"CODEC-{codec}")
            for n in range(200)
        ]
        content = raw_batches.batch(codec, 0, [ndjson_of(readings)], headers)
        raw_batches.send(scene.centre.kafka, READINGS, scene.rng.randrange(PARTITIONS), content)
        scene.extra_readings += readings
    yield


@contextmanager
def drop_bomb(scene: Scene) -> Iterator[None]:
    """A workbook of some kilobytes with gigabytes in it."""
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<x>" + b"0" * 123_457)
    content = file.getvalue().replace((123_460).to_bytes(4, "little"), (1 << 30 | 1).to_bytes(4, "little"))
    put_file(scene.centre.data_dir / "drop", f"bomb-{scene.next_number()}.xlsx", content)
    yield


@contextmanager
def flood(scene: Scene) -> Iterator[None]:
    """Connections that say nothing, and bodies that come byte by byte."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    start = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{"
    opened: list[socket.socket] = []
    try:
        for number in range(IDLE + SLOW):
            raw = socket.create_connection((HOST, scene.centre.port), timeout=5)
            opened.append(raw)
            with suppress(OSError):
                raw.sendall(start if number % (IDLE // SLOW + 1) == 0 else b"")
        yield
    finally:
        for raw in opened:
            raw.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
