"""`ioc streams` as a process, a broker that may be killed, and what goes in and comes out between them."""

import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from ioc import topics
from ioc.broker import EmbeddedBroker

REPOSITORY = Path(__file__).parents[3]
PARTITIONS = 4
Headers = Sequence[tuple[str, bytes]]


@dataclass
class Workers:
    """`ioc streams` as a process. Its log and those of its workers are under `data_dir`."""

    data_dir: Path
    kafka: str
    count: int = 2
    process: psutil.Popen | None = None

    def start(self) -> "Workers":
        environment = {**os.environ, "IOC_DATA_DIR": str(self.data_dir), "IOC_KAFKA": self.kafka}
        command = [sys.executable, "-m", "ioc", "streams", "--workers", str(self.count)]
        with (self.data_dir / "streams.log").open("ab") as log:
            self.process = psutil.Popen(command, env=environment, cwd=REPOSITORY, stdout=log, stderr=log)
        return self

    def children(self) -> list[psutil.Process]:
        """The workers that run; now and then the parent has another child, which reads the catalogue."""
        assert self.process is not None
        running = []
        for child in self.process.children():
            with suppress(psutil.NoSuchProcess):
                if child.status() != psutil.STATUS_ZOMBIE and "streams.vocabulary" not in child.cmdline():
                    running.append(child)
        return running

    def kill(self, which: int) -> None:
        """SIGKILL one of the workers that run."""
        running = self.children()
        if running:
            running[which % len(running)].kill()

    def log(self) -> str:
        logs = [self.data_dir / "streams.log", *sorted((self.data_dir / "streams").glob("*.log"))]
        return "".join(path.read_text() for path in logs if path.exists())

    def stop(self) -> float:
        """SIGTERM; seconds until all have ended."""
        assert self.process is not None
        if self.process.poll() is not None:
            return 0
        started, children = time.monotonic(), self.children()
        if self.process.status() == psutil.STATUS_STOPPED:
            self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(20)
        psutil.wait_procs(children, timeout=20)
        return time.monotonic() - started


class Line:
    """Sends source messages and reads what the agents answered, each topic from its beginning of this object."""

    def __init__(self, kafka: str) -> None:
        self.kafka = kafka
        soon = {"bootstrap_servers": kafka, "reconnect_backoff_ms": 50, "reconnect_backoff_max_ms": 100}
        self._producer = KafkaProducer(**soon, acks="all", max_request_size=topics.MAX_MESSAGE_BYTES)
        self._consumer = KafkaConsumer(**soon, max_partition_fetch_bytes=topics.MAX_MESSAGE_BYTES)
        outputs = [TopicPartition(topic, n) for topic in topics.OUTPUT_OF.values() for n in range(PARTITIONS)]
        places = [*outputs, TopicPartition(topics.DEAD_LETTERS, 0)]
        self._consumer.assign(places)
        for place, end in self._consumer.end_offsets(places).items():
            self._consumer.seek(place, end)

    def send(self, topic: str, partition: int, value: bytes | None, headers: Headers = ()) -> Any:
        return self._producer.send(topic, value, key=b"any", partition=partition, headers=list(headers))

    def flush(self) -> None:
        self._producer.flush()

    def ends(self, topic: str) -> dict[int, int]:
        """End offset of each partition."""
        ends = self._consumer.end_offsets([TopicPartition(topic, n) for n in range(PARTITIONS)])
        return {place.partition: end for place, end in ends.items()}

    def read(self, timeout_s: float = 0.5) -> list[Any]:
        """Records that came, in the order of each partition."""
        return [r for records in self._consumer.poll(round(timeout_s * 1000)).values() for r in records]

    def close(self) -> None:
        self._producer.close()
        self._consumer.close()


@dataclass
class OwnBroker:
    """A broker of one test file, which may kill it. It comes back on the same port; `address` is empty before its first
    start."""

    folder: Path
    embedded: EmbeddedBroker
    address: str = ""

    def start(self) -> None:
        self.address = self.embedded.start()

    def kill(self) -> None:
        os.kill(self.embedded.pid, signal.SIGKILL)
        self.embedded.wait()
