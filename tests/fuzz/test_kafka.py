"""Hostile messages through agents and historian into a real store: each is counted, and no partition stands still."""

from __future__ import annotations

import json
import random
import resource
from collections import Counter
from pathlib import Path

import pytest
from aiokafka.record.memory_records import MemoryRecords

from ioc import topics
from ioc.settings import VIETNAM
from ioc.store import Historian, HistorianCondition, Store, read_ledger
from ioc.wire.record_batches import RecordBatches, UndecodableBatch
from streams.agent_output import AgentOutput, SourceMessage, make_output
from streams.agents import cases, readings
from tests.fuzz.counts import KAFKA, KAFKA_STRANGERS
from tests.fuzz.memory_log import MemoryLog
from tests.support.hostile_kafka_inputs import Input, inputs, strangers
from tests.support.reading_batches import INPUT_MS, vocabulary
from tests.support.waiting import until

PARTITIONS = 2
VOCABULARY = vocabulary()
AGENTS = {topics.READINGS: readings, topics.CASES: cases}
MAX_GROWTH_KB = 400 * 1024


def messages_of(one: Input, offset: int) -> list[SourceMessage]:
    """As a worker's consumer hands them out; those of a whole record batch have the offsets that it says."""
    if not one.is_batch:
        return [SourceMessage(one.topic, one.partition, offset, INPUT_MS, one.headers, one.value)]
    content = offset.to_bytes(8, "big") + (one.value or b"")[8:]
    batches = RecordBatches(content, MemoryRecords)
    return [
        SourceMessage(one.topic, one.partition, record.offset, INPUT_MS, tuple(record.headers), record.value)
        for record in batches.next_batch() or ()
    ]


def as_input(place: tuple[str, int], value: bytes, headers: list[tuple[str, bytes]]) -> Input:
    return Input(place[0], place[1], value, headers)


@pytest.mark.parametrize("count", [KAFKA[0], pytest.param(KAFKA[1], marks=pytest.mark.soak)])
def test_every_message_is_counted_and_nothing_stands_still(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rng, log = random.Random(count), MemoryLog(PARTITIONS)
    received: Counter[str] = Counter()
    letters: set[str] = set()
    sound: list[Input] = []
    writers: dict[tuple[str, str, int], tuple[int, int]] = {}
    undecodable = echoes = 0
    for one in inputs(rng, count, PARTITIONS):
        place = (one.topic, one.partition)
        for message in messages_of(one, len(log.records[place])):
            for _ in range(message.offset + 1 - len(log.records[place])):
                log.append(place, message.value, message.headers)
            undecodable += isinstance(message.value, UndecodableBatch)
            agent = AGENTS[one.topic]
            given: AgentOutput = make_output(message, agent.decode, agent.NO_ROWS, VOCABULARY)
            output = (topics.OUTPUT_OF[one.topic], one.partition)
            log.append(output, given.value, given.headers)
            sound.append(as_input(output, given.value, given.headers))
            for letter in given.dead_letters:
                log.append((topics.DEAD_LETTERS, 0), letter.value, letter.headers, letter.key)
                letters.add(letter.key.decode())
            dead = (topics.DEAD_LETTERS, 0)
            sound += [as_input(dead, letter.value, letter.headers) for letter in given.dead_letters[:3]]
            counts = given.counts
            writer, serial = (counts.source, one.topic, one.partition), (counts.generation, counts.sequence)
            if not counts.generation or serial > writers.get(writer, (-1, -1)):
                received[counts.source] += counts.received
                if counts.generation:
                    writers[writer] = serial
            else:
                echoes += 1
    for stranger in strangers(rng, count // KAFKA_STRANGERS, sound):
        log.append((stranger.topic, stranger.partition), stranger.value, stranger.headers, b"stranger")

    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    monkeypatch.setattr("ioc.store.historian.Log", lambda *_: log)
    store = Store.open(tmp_path / "ioc.duckdb", tmp_path / "archive", zone=VIETNAM)
    historian = Historian(store, "", {}, lambda _: None)
    historian.start()
    try:
        ends = log.ends([*log.records])
        read = {place: end for place, end in ends.items() if place[0] not in topics.OUTPUT_OF}
        until(lambda: positions(store, "resume_offsets") == read, timeout_s=30 + count / 50)
        assert historian.state().condition is HistorianCondition.LIVE
        assert positions(store, "next_offsets") == {p: end for p, end in ends.items() if p[0] in topics.OUTPUT_OF}
        until(lambda: not list(historian.faults()))
        with store.cursor() as cursor:
            ledger = read_ledger(cursor, historian.log_view(), [])
            kept = {key for (key,) in cursor.execute("SELECT key FROM dead_letters").fetchall()}
            fenced = cursor.execute("SELECT sum(fenced) FROM source_counts").fetchall()[0][0]
            set_aside, stored = cursor.execute(
                "SELECT count(*) FILTER (topic IN (?, ?, ?)), count(*) FROM dead_letters",
                [*topics.OUTPUT_OF.values(), topics.DEAD_LETTERS],
            ).fetchall()[0]
    finally:
        historian.stop()
        store.close()
    assert "cannot be answered" not in caplog.text, "each fault is foreseen"
    assert ledger.faults == ()
    accounts = {account.source: account for account in ledger.sources}
    received["kafka"] += set_aside
    # Which of two writers in different partitions is the echo depends on the order in which these are read.
    certain = {name for name in received if len({partition for source, _, partition in writers if source == name}) < 2}
    assert {name: accounts[name].received for name in certain} == {name: received[name] for name in certain}
    assert {f"source-{n}" for n in range(PARTITIONS)} <= certain
    assert fenced >= echoes / 2
    assert letters <= kept, json.dumps(sorted(letters - kept)[:5])
    assert stored == len(letters) + set_aside + sum(key == "stranger" for key in kept)
    assert min(undecodable, set_aside, echoes, sum(account.applied for account in ledger.sources)) > 3, (
        "the mix is real"
    )
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < MAX_GROWTH_KB


def positions(store: Store, view: str) -> dict[tuple[str, int], int]:
    with store.cursor() as cursor:
        rows = cursor.execute(f"SELECT topic, partition, next_offset FROM {view}").fetchall()
    return {(topic, partition): offset for topic, partition, offset in rows}
