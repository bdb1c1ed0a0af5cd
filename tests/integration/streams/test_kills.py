"""Workers and broker are killed; every message is still answered, in order, and soon."""

import json
import random
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from urllib.request import urlopen

import psutil
import pytest

from ioc import topics
from ioc.kafka import create_topics
from ioc.model.reading import Reading
from ioc.wire import arrow
from ioc.wire.headers import BatchHeaders, OutputHeaders
from ioc.wire.schemas import readings_batch
from tests.integration.streams.line import PARTITIONS, Line, OwnBroker, Workers
from tests.support.running_centre import wait_for

pytestmark = [
    pytest.mark.kafka,
    # kafka-python leaves the sockets of a killed broker to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
NOW = datetime.now(UTC)
VALUE = arrow.encode(readings_batch([Reading("traffic.speed", "19753", NOW, 40.0, f"S{n}") for n in range(5)]))
HEADERS = BatchHeaders("test", "readings", "id", NOW.isoformat()).encode()


class Answered:
    """Follows outputs as the historian does: repeats dropped, a hole in the offsets noted."""

    def __init__(self, first: dict[int, int]) -> None:
        self.next = dict(first)
        self.repeats = 0
        self.out_of_order: list[tuple[int, int, int]] = []
        self.times: dict[int, list[float]] = defaultdict(list)

    def take(self, head: OutputHeaders) -> None:
        due = self.next[head.partition]
        if head.offset == due:
            self.next[head.partition] += 1
            self.times[head.partition].append(time.monotonic())
        elif head.offset < due:
            self.repeats += 1
        else:
            self.out_of_order.append((head.partition, due, head.offset))

    def longest_silence_s(self, since: float) -> float:
        """The longest time without an answer on any partition, from `since` on."""
        silences = []
        for times in self.times.values():
            later = [since, *(moment for moment in times if moment >= since)]
            silences += [b - a for a, b in pairwise(later)]
        return max(silences)

    def read(self, line: Line, until: Callable[[], bool], timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not until():
            assert time.monotonic() < deadline, f"not answered within {timeout_s} s; next offsets {self.next}"
            for record in line.read(0.2):
                if record.topic == topics.PANES:
                    self.take(OutputHeaders.decode(record.headers))


@contextmanager
def steady(line: Line) -> Iterator[None]:
    """Twenty messages a second to every partition, from another thread."""
    ending = threading.Event()

    def send() -> None:
        while not ending.wait(0.05):
            for partition in range(PARTITIONS):
                line.send(topics.READINGS, partition, VALUE, HEADERS)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def answering(line: Line, workers: Workers) -> Answered:
    """Once every partition is answered."""
    answered = Answered(line.ends(topics.READINGS))
    for partition in range(PARTITIONS):
        line.send(topics.READINGS, partition, VALUE, HEADERS)
    first = dict(answered.next)
    answered.read(line, lambda: all(answered.next[p] > first[p] for p in first), 120)
    return answered


def test_workers_wait_for_broker_and_topics(bare_broker: OwnBroker) -> None:
    """The first of the file: the broker has not been started, and has no topic."""
    assert not bare_broker.address
    workers = Workers(bare_broker.folder, "", count=1).start()
    try:
        wait_for_text(workers, "kafka.address")
        bare_broker.start()
        wait_for_text(workers, "has no topic")
        create_topics(bare_broker.address, {}, PARTITIONS)
        line = Line(bare_broker.address)
        answering(line, workers)
        line.close()
        assert workers.log().count("Waiting.") <= 3, "said once, not at every try"
        assert "Traceback" not in workers.log()
    finally:
        took_s = workers.stop()
    assert took_s < 5


@pytest.mark.parametrize(
    "comes_back",
    [
        pytest.param(True, id="started again", marks=pytest.mark.soak),
        pytest.param(False, id="not started again: others take over"),
    ],
)
def test_partitions_of_a_killed_worker_flow_again(
    line: Line, workers: Workers, comes_back: bool, record_property: Callable[[str, object], None]
) -> None:
    answered = answering(line, workers)
    assert workers.process is not None
    if not comes_back:
        workers.process.suspend()
    with steady(line):
        flowing_at = time.monotonic()
        answered.read(line, lambda: time.monotonic() > flowing_at + 1, 10)
        killed_at = time.monotonic()
        workers.kill(0)
        answered.read(line, lambda: time.monotonic() > killed_at + 6, 10)
    workers.process.resume()
    silence_s = answered.longest_silence_s(killed_at)
    print(f"\nflow again after {silence_s:.2f} s")
    record_property("silence_s", round(silence_s, 2))
    assert silence_s < 5
    assert answered.out_of_order == []


@pytest.mark.slow
@pytest.mark.parametrize(("messages", "kills"), [pytest.param(20_000, 12, marks=pytest.mark.soak)], ids=["12 kills"])
def test_nothing_is_missing_or_out_of_order_after_kills(
    line: Line, workers: Workers, messages: int, kills: int
) -> None:
    answered, chance = answering(line, workers), random.Random(3)
    ending = threading.Event()

    def kill() -> None:
        for _ in range(kills):
            if ending.wait(chance.uniform(0.5, 1.5)):
                return
            workers.kill(chance.randrange(2))

    killing = threading.Thread(target=kill)
    killing.start()
    for n in range(messages):
        line.send(topics.READINGS, n % PARTITIONS, VALUE, HEADERS)
        if n % 100 == 0:
            time.sleep(0.04)
    line.flush()
    ends = line.ends(topics.READINGS)
    answered.read(line, lambda: answered.next == ends, 120)
    ending.set()
    killing.join()
    print(f"\n{answered.repeats} repeats")
    assert answered.out_of_order == []


def test_killed_broker_is_waited_for(
    line: Line, workers: Workers, own_broker: OwnBroker, record_property: Callable[[str, object], None]
) -> None:
    answered = answering(line, workers)
    with steady(line):  # a worker that an earlier test killed is back
        answered.read(line, lambda: all(map(answered.times.get, range(4))), 40)
    told_before = workers.log()
    own_broker.kill()
    time.sleep(1)
    own_broker.start()
    back_at = time.monotonic()
    with steady(line):
        answered.read(line, lambda: all(t and t[-1] > back_at for t in map(answered.times.get, range(4))), 40)
    silence_s = max(next(t for t in answered.times[p] if t > back_at) for p in range(4)) - back_at
    print(f"\nflow again {silence_s:.2f} s after the broker answered")
    record_property("silence_s", round(silence_s, 2))
    assert silence_s < 10
    answered.read(line, lambda: answered.next == line.ends(topics.READINGS), 30)
    assert answered.out_of_order == []
    told = workers.log()
    assert told.count("Traceback") == told_before.count("Traceback")
    assert len(told.splitlines()) < len(told_before.splitlines()) + 40, "told once, not at every try"


def test_a_measure_added_to_the_catalogue_counts_without_a_restart(line: Line, workers: Workers) -> None:
    definitions = workers.data_dir / "catalog"
    definitions.mkdir()
    answering(line, workers)
    (definitions / "new.toml").write_text(
        '[sector]\nid = "new"\nname = { vi = "Mới", en = "New" }\norder = 50\n\n'
        '[[measure]]\nid = "new.measure"\nname = { vi = "Mới", en = "New" }\nunit_of_measure = "m"\n'
        'kind = "gauge"\nleast = 0\nmost = 10\n'
    )
    record = {"measure": "new.measure", "unit": "19753", "time": NOW.isoformat(), "value": 3}
    deadline, applied = time.monotonic() + 60, 0
    while not applied:
        assert time.monotonic() < deadline, workers.log()
        line.send(topics.READINGS, 0, json.dumps(record).encode())
        outputs = [r for r in line.read(0.3) if r.topic == topics.PANES]
        applied = sum(OutputHeaders.decode(r.headers).applied for r in outputs if b"new.measure" in r.value)


def test_a_worker_shows_its_metrics(line: Line, workers: Workers) -> None:
    answering(line, workers)
    names = ("messages_total", "applied_total", "latency_seconds_count", "lag_messages")
    deadline = time.monotonic() + 60
    missing: list[str] = [*names]
    while missing:
        assert time.monotonic() < deadline, missing
        text = "".join(metrics(workers, index) for index in range(2))
        missing = [
            n
            for n in names
            if not re.search(rf'^ioc_streams_{n}{{.*topic="ioc.readings.v1".*}} [0-9]', text, re.MULTILINE)
        ]


def metrics(workers: Workers, index: int) -> str:
    address = (workers.data_dir / "streams" / f"worker-{index}.metrics").read_text()
    assert address.startswith("127.0.0.1:")
    with urlopen(f"http://{address}/metrics", timeout=5) as page:
        return str(page.read().decode())


def test_workers_end_with_their_parent(line: Line, workers: Workers) -> None:
    """The last of the file: no workers are left."""
    answering(line, workers)
    children = wait_for("two workers", lambda: len(found := workers.children()) == 2 and found)
    assert workers.process is not None
    workers.process.kill()
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []


def wait_for_text(workers: Workers, text: str, timeout_s: float = 120) -> None:
    deadline = time.monotonic() + timeout_s
    while text not in workers.log():
        assert time.monotonic() < deadline, workers.log()
        time.sleep(0.1)
