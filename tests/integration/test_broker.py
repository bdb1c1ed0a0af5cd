"""The embedded broker: a real Kafka, started, killed, damaged and crowded out as on a small machine."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from ioc.broker import BrokerStartFailed, EmbeddedBroker
from ioc.broker.java import FEATURE_LEVELS, KafkaRuntime
from ioc.broker.locks import folder_lock
from ioc.kafka import connection, create_topics
from ioc.topics import MAX_MESSAGE_BYTES

REPOSITORY = Path(__file__).parents[2]


@dataclass
class Own:
    """A broker of this file, running before and after each test."""

    folder: Path
    wanted_port: int
    broker: EmbeddedBroker
    first_start_s: float = 0

    @property
    def address(self) -> str:
        return (self.folder / "kafka.address").read_text()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    """Started where its port was taken, by a thread that has ended."""
    folder = tmp_path_factory.mktemp("own")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        own = Own(folder, taken, EmbeddedBroker(folder, port=taken))
        thread = threading.Thread(target=own.broker.start)
        begun = time.monotonic()
        thread.start()
        thread.join()
        own.first_start_s = time.monotonic() - begun
    yield own
    own.broker.stop()


def create_topic(address: str, name: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=address)
    admin.create_topics({name: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    admin.close()


def send(address: str, topic: str, values: list[bytes]) -> None:
    producer = KafkaProducer(bootstrap_servers=address, acks="all", max_request_size=MAX_MESSAGE_BYTES)
    sent = [producer.send(topic, value, partition=0) for value in values]
    for future in sent:
        future.get(20)
    producer.close()


def received(address: str, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest", enable_auto_commit=False)
    consumer.assign([TopicPartition(topic, 0)])
    values: list[bytes] = []
    deadline = time.monotonic() + 20
    while len(values) < count and time.monotonic() < deadline:
        for records in consumer.poll(timeout_ms=500).values():
            values += [record.value for record in records]
    consumer.close()
    return values


def holds_within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_message_as_large_as_the_bound_goes_through(broker: str) -> None:
    create_topic(broker, "large")
    large = os.urandom(MAX_MESSAGE_BYTES - 1024)
    send(broker, "large", [large])
    assert received(broker, "large", 1) == [large]


def test_a_topic_nobody_declared_is_not_made(broker: str) -> None:
    producer = KafkaProducer(bootstrap_servers=broker, max_block_ms=1000)
    with pytest.raises(KafkaError):
        producer.send("undeclared", b"x").get(5)
    producer.close(timeout=1)
    admin = KafkaAdminClient(bootstrap_servers=broker)
    assert "undeclared" not in admin.list_topics()
    admin.close()


def test_it_is_reachable_from_this_machine_only_and_bounded_in_memory(own: Own) -> None:
    process = psutil.Process(own.broker.pid)
    listening = [c.laddr.ip for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    assert len(listening) == 2
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}
    assert process.memory_info().rss < 450 * 1024 * 1024


def test_a_taken_port_gives_the_next_free_one(own: Own) -> None:
    assert int(own.address.rpartition(":")[2]) > own.wanted_port


def test_it_outlives_the_thread_that_started_it(own: Own) -> None:
    assert not holds_within(0.5, lambda: not psutil.pid_exists(own.broker.pid))


def test_two_brokers_on_one_folder_are_refused_with_a_reason(own: Own) -> None:
    home, address = own.folder / "kafka", own.address
    (home / "broker.log").write_text("a warning of the first one\n")
    before = {name: (home / name).read_bytes() for name in ("server.properties", "log4j2.properties", "broker.log")}
    begun = time.monotonic()
    with pytest.raises(BrokerStartFailed, match="another broker is using") as failure:
        EmbeddedBroker(own.folder, port=0).start()
    assert time.monotonic() - begun < 5, "said before any Java is started"
    assert {name: (home / name).read_bytes() for name in before} == before
    assert own.address == address
    assert "Traceback" not in str(failure.value)


def test_after_a_kill_it_answers_again_at_the_same_address(own: Own, tmp_path: Path) -> None:
    address = own.address
    create_topic(address, "killed")
    send(address, "killed", [b"acknowledged"])
    os.kill(own.broker.pid, signal.SIGKILL)
    assert own.broker.wait() == -signal.SIGKILL
    with EmbeddedBroker(tmp_path, port=int(address.rpartition(":")[2])) as other:
        assert other._address_file.read_text() != address, "the port is kept for the one that comes back"
    begun = time.monotonic()
    assert own.broker.start() == address
    # Kafka's own session timeout would add 9 s to what a start takes on this machine now.
    assert time.monotonic() - begun < own.first_start_s + 6
    assert received(address, "killed", 1) == [b"acknowledged"]


def test_a_clean_stop_is_quick_and_keeps_data_and_address(own: Own) -> None:
    address = own.address
    create_topic(address, "kept")
    send(address, "kept", [b"one", b"two"])
    begun = time.monotonic()
    own.broker.stop()
    assert time.monotonic() - begun < 5
    assert own.address == address
    own.broker = EmbeddedBroker(own.folder, port=0)
    assert own.broker.start() == address
    assert received(address, "kept", 2) == [b"one", b"two"]


def test_a_new_folder_is_formatted_alike_by_the_record_and_by_kafkas_tool(own: Own, tmp_path: Path) -> None:
    by_tool = EmbeddedBroker(tmp_path, port=0, runtime=KafkaRuntime(features=tmp_path / "not recorded"))
    by_tool.start()
    by_tool.stop()
    formatted = []
    for folder in (own.folder, tmp_path):
        data = folder / "kafka" / "data"
        told = [line for line in (data / "meta.properties").read_text().splitlines() if not line.startswith("#")]
        settings = dict(line.split("=", 1) for line in told)
        ids = settings.pop("cluster.id"), settings.pop("directory.id")
        formatted.append((settings, [len(i) for i in ids], (data / FEATURE_LEVELS).stat().st_size))
    assert formatted[0] == formatted[1]


def test_it_ends_with_a_starter_that_was_killed(tmp_path: Path) -> None:
    code = "import sys, pathlib; from ioc.broker import EmbeddedBroker as B\n"
    code += f"b = B(pathlib.Path({str(tmp_path)!r}), port=0); b.start(); print(b.pid, flush=True); b.wait()"
    starter = subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE)
    assert starter.stdout is not None
    java = psutil.Process(int(starter.stdout.readline()))
    starter.kill()
    starter.wait()
    starter.stdout.close()
    assert holds_within(2, lambda: not java.is_running() or java.status() == psutil.STATUS_ZOMBIE)
    with folder_lock(tmp_path / "kafka"):
        """The folder is free for the next broker."""


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param({"meta.properties": b"version=99\nnode.id=7\n"}, id="settings of another node and version"),
        pytest.param({str(FEATURE_LEVELS): b"\x00" * 64}, id="zeroed feature levels"),
    ],
)
def test_damaged_data_is_named_and_left_alone(own: Own, tmp_path: Path, damage: dict[str, bytes]) -> None:
    data = tmp_path / "kafka" / "data"
    data.mkdir(parents=True)
    for name in ("meta.properties", str(FEATURE_LEVELS)):  # all that a folder has before its first start
        (data / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(own.folder / "kafka" / "data" / name, data / name)
    for name, content in damage.items():
        (data / name).write_bytes(content)
    with pytest.raises(BrokerStartFailed, match="damaged or of another Kafka version"):
        EmbeddedBroker(tmp_path, port=0).start()
    assert (data / next(iter(damage))).read_bytes() == next(iter(damage.values()))


def test_a_folder_it_may_not_make_is_named(tmp_path: Path) -> None:
    (tmp_path / "kafka").write_text("a file where the folder belongs")
    with pytest.raises(BrokerStartFailed, match="kafka"):
        EmbeddedBroker(tmp_path, port=0).start()


def test_with_a_password_only_those_who_know_it_get_in(tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path, port=0, durable=False, password="let-me_in-1") as broker:
        address = (tmp_path / "kafka.address").read_text()
        assert (tmp_path / "kafka" / "server.properties").stat().st_mode & 0o077 == 0
        known = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", "sasl_username": "ioc"}
        assert create_topics(address, known | {"sasl_password": "let-me_in-1"}, 1)
        for security in ({}, known | {"sasl_password": "wrong"}):
            with pytest.raises(KafkaError):
                KafkaConsumer(
                    **connection(address, security), bootstrap_timeout_ms=2000, request_timeout_ms=1500
                ).topics()
        assert broker.pid
