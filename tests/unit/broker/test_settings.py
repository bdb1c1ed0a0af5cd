"""Settings of the embedded broker, its port, and the messages of its failures."""

from pathlib import Path

import pytest

from ioc.broker.failure import explain
from ioc.broker.java import KafkaRuntime
from ioc.broker.ports import choose_port
from ioc.broker.properties import log_properties, server_properties
from ioc.topics import DEAD_LETTERS, MAX_MESSAGE_BYTES, OUTPUT_OF, REPLAYS, TOPICS, TRAIL_ANCHORS


def settings(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_every_listener_is_on_loopback() -> None:
    told = settings(server_properties(log_dir=Path("/data"), port=9092, controller_port=9093))
    assert told["listeners"] == "CLIENTS://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"
    assert told["advertised.listeners"] == "CLIENTS://127.0.0.1:9092"


def test_a_full_message_and_its_batch_head_fit() -> None:
    told = settings(server_properties(log_dir=Path("/data"), port=9092, controller_port=9093))
    assert int(told["message.max.bytes"]) > MAX_MESSAGE_BYTES


def test_what_is_acknowledged_is_on_the_disk() -> None:
    told = settings(server_properties(log_dir=Path("/data"), port=9092, controller_port=9093))
    assert told["log.flush.interval.messages"] == "1"
    kept = {topic.name for topic in TOPICS if "flush.messages" not in topic.configuration}
    assert {*OUTPUT_OF, *OUTPUT_OF.values(), DEAD_LETTERS, REPLAYS, TRAIL_ANCHORS} == kept, (
        "only what is published again is left to the system"
    )


def test_the_log_is_bounded() -> None:
    told = settings(log_properties(Path("/data/broker.log")))
    assert told["appender.file.policies.size.size"] == "4MB"
    assert told["appender.file.strategy.max"] == "2"
    assert told["appender.file.fileName"] == "/data/broker.log"


@pytest.mark.parametrize(
    ("wanted", "known", "taken", "chosen"),
    [
        pytest.param(9092, None, set(), 9092, id="the asked one when free"),
        pytest.param(9092, None, {9092, 9093}, 9094, id="the next free one"),
        pytest.param(9092, "127.0.0.1:9105", set(), 9105, id="the one clients know from before"),
        pytest.param(9092, "127.0.0.1:9105", {9105}, 9092, id="the known one is taken by now"),
        pytest.param(9092, "garbage", set(), 9092, id="unreadable address of before"),
        pytest.param(9092, "127.0.0.1:99999", set(), 9092, id="impossible port of before"),
    ],
)
def test_port(wanted: int, known: str | None, taken: set[int], chosen: int) -> None:
    assert choose_port(wanted, known, claim=lambda port: port not in taken) == chosen


def test_no_free_port_is_an_error() -> None:
    with pytest.raises(ValueError, match="no free port for the broker from 9092 on"):
        choose_port(9092, None, claim=lambda _: False)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        pytest.param(
            "ERROR KafkaException: Failed to acquire lock on file .lock", "another broker is using /d;", id="lock"
        ),
        pytest.param("ERROR IOException: No space left on device", "the disk of /d is full", id="disk full"),
        pytest.param("ERROR BindException: Address already in use", "its port was taken", id="port"),
        pytest.param("ERROR RuntimeException: No readable meta.properties files found.", "damaged", id="damaged"),
        pytest.param("java.lang.OutOfMemoryError: Java heap space", "ran out of memory", id="memory"),
        pytest.param("ERROR something new", "it ended while starting\n  ERROR something new", id="unknown cause"),
        pytest.param("", "it ended without any output", id="silence"),
    ],
)
def test_failure_is_one_sentence_then_the_log(output: str, said: str) -> None:
    told = explain(output, Path("/d"))
    assert told.startswith("the embedded broker did not start: ")
    assert said in told


def test_failure_leaves_stack_frames_out_and_keeps_the_last_errors() -> None:
    output = "".join(f"ERROR number {n}\n\tat kafka.Kafka.main(Kafka.scala:1)\n" for n in range(9)) + "INFO bye\n"
    assert explain(output, Path("/d")).splitlines()[1:] == [f"  ERROR number {n}" for n in range(4, 9)]


def test_recording_and_running_give_java_the_same_options(tmp_path: Path) -> None:
    (tmp_path / "b.jar").touch()
    (tmp_path / "a.jar").touch()
    runtime = KafkaRuntime(java=Path("/java"), jars=tmp_path, start_cache=tmp_path / "kafka.aot")

    def command(*, record: bool) -> list[str]:
        return runtime.command(["kafka.Kafka"], heap_mb=320, log_settings=Path("/log"), record=record)

    assert command(record=False)[1] == "-Xmx320m"
    recording = command(record=True)
    runtime.start_cache.touch()
    running = command(record=False)
    assert recording[1] == f"-XX:AOTCacheOutput={runtime.start_cache}"
    assert running[1] == f"-XX:AOTCache={runtime.start_cache}"
    assert recording[2:] == running[2:]
    assert running[running.index("-cp") + 1] == f"{tmp_path}/a.jar:{tmp_path}/b.jar"
