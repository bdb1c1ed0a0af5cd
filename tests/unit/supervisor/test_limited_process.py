"""Work in a limited process: what exceeds the limits is an exception here, and the next call works."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from ioc.errors import BatchMalformed, RecordUnfit
from ioc.messages import Message
from ioc.supervisor.limited_process import LimitedProcess, LimitExceeded, ProcessLimits


def counting(most: int) -> Iterator[int]:
    yield from range(most)


def process_id() -> Iterator[int]:
    yield os.getpid()


def greedy() -> Iterator[int]:
    yield 1
    yield len(bytearray(1 << 30))


def endless() -> Iterator[int]:
    yield 1
    while True:
        pass


def killed_by(number: int) -> Iterator[int]:
    yield 1
    os.kill(os.getpid(), number)


def refusing(fault: Exception) -> Iterator[int]:
    yield 1
    raise fault


def writing(path: str) -> Iterator[int]:
    with open(path, "w") as file:  # noqa: PTH123
        file.write("x")
    yield 1


def environment() -> Iterator[list[str]]:
    yield list(os.environ)


@pytest.fixture(scope="module")
def child() -> Iterator[LimitedProcess]:
    process = LimitedProcess(ProcessLimits(256 << 20, 1.0))
    yield process
    process.end()


def test_calls_follow_one_another_in_one_process(child: LimitedProcess) -> None:
    assert list(child.stream(counting, 3)) == [0, 1, 2]
    (pid,) = child.stream(process_id)
    assert pid == child.pid != os.getpid()
    assert list(child.stream(process_id)) == [pid]


@pytest.mark.parametrize(
    ("function", "arguments", "sentence"),
    [
        pytest.param(greedy, (), "more than 256 MB of memory", id="memory"),
        pytest.param(endless, (), "more than 1 s of processor time", id="processor time"),
        pytest.param(killed_by, (signal.SIGABRT,), "more than 256 MB of memory", id="Rust without memory"),
        pytest.param(killed_by, (signal.SIGSEGV,), "SIGSEGV", id="broken"),
        pytest.param(killed_by, (signal.SIGKILL,), "SIGKILL", id="killed"),
    ],
)
def test_limit(child: LimitedProcess, function: object, arguments: tuple[int, ...], sentence: str) -> None:
    given = child.stream(function, *arguments)  # type: ignore[arg-type]
    assert next(given) == 1
    with pytest.raises(LimitExceeded, match=sentence) as fault:
        next(given)
    assert fault.value.was_killed == ("SIGKILL" in sentence)
    assert list(child.stream(counting, 2)) == [0, 1], "the next call is served"


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(BatchMalformed(Message.of("no table")), id="a sentence"),
        pytest.param(RecordUnfit("malformed", "value", Message.of("no number")), id="with a field"),
        pytest.param(FileNotFoundError(2, "No such file"), id="of the system"),
    ],
)
def test_its_own_exceptions_come_through(child: LimitedProcess, fault: Exception) -> None:
    before = list(child.stream(process_id))
    given = child.stream(refusing, fault)
    assert next(given) == 1
    with pytest.raises(type(fault)) as raised:
        next(given)
    assert str(raised.value) == str(fault)
    assert vars(raised.value) == vars(fault)
    assert list(child.stream(process_id)) == before, "no reason for another process"


def test_broken_off_by_another_thread(child: LimitedProcess) -> None:
    given = child.stream(endless)
    assert next(given) == 1
    threading.Timer(0.05, child.end).start()
    with pytest.raises(LimitExceeded):
        next(given)
    assert list(child.stream(counting, 1)) == [0]


def test_it_writes_no_file_and_knows_no_secret(
    child: LimitedProcess, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    child.end()
    monkeypatch.setenv("IOC_ADMIN_TOKEN", "secret")
    (names,) = child.stream(environment)
    assert "IOC_ADMIN_TOKEN" not in names
    with pytest.raises((OSError, LimitExceeded)):
        list(child.stream(writing, f"{tmp_path}/a"))
