"""Forked processes: restarted after a wait that grows, logged, stopped in time."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from ioc.supervisor.child_processes import RestartPolicy
from ioc.supervisor.forked_process import ForkedProcess

SOON = RestartPolicy(first_s=0.2, max_s=1.0, settled_after_s=100)


def until_death(worker: ForkedProcess) -> int:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        code = worker.tend(time.monotonic())
        if code is not None:
            return code
        time.sleep(0.01)
    raise AssertionError("it did not end")


def ends_with(code: object) -> None:
    print("to the log")
    sys.exit(code)  # type: ignore[arg-type]


def fails() -> None:
    raise RuntimeError("as it does")


@pytest.mark.parametrize(
    ("work", "code", "said"),
    [
        pytest.param(lambda: print("done"), 0, "done", id="returns"),
        pytest.param(lambda: ends_with(3), 3, "to the log", id="exit code"),
        pytest.param(lambda: ends_with("Mend this."), 1, "Mend this.", id="a sentence"),
        pytest.param(fails, 1, "RuntimeError: as it does", id="fails"),
        pytest.param(lambda: os.kill(os.getpid(), signal.SIGKILL), -9, "", id="killed"),
    ],
)
def test_the_end_of_a_worker_is_told_and_logged(work: object, code: int, said: str, tmp_path: Path) -> None:
    worker = ForkedProcess("w", work, tmp_path / "w.log", restart=SOON)  # type: ignore[arg-type]
    assert until_death(worker) == code
    assert said in (tmp_path / "w.log").read_text()


def test_a_dead_worker_starts_again_after_a_wait_that_doubles(tmp_path: Path) -> None:
    worker = ForkedProcess("w", lambda: None, tmp_path / "w.log", restart=SOON)
    waits = []
    for _ in range(3):
        until_death(worker)
        waits.append(round(worker.due_at - time.monotonic(), 1))
        assert worker.tend(worker.due_at - 0.05) is None
        assert worker.pid is None, "not before its time"
        worker.due_at = 0.0
    assert waits == [0.2, 0.4, 0.8]


@pytest.mark.parametrize("heeds", [True, False], ids=["heeds SIGTERM", "does not: killed at the deadline"])
def test_stop(heeds: bool, tmp_path: Path) -> None:
    def work() -> None:
        if not heeds:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("ready", flush=True)
        time.sleep(60)

    worker = ForkedProcess("w", work, tmp_path / "w.log", restart=SOON)
    worker.tend(time.monotonic())
    log = tmp_path / "w.log"
    while "ready" not in log.read_text() if log.exists() else True:
        time.sleep(0.01)
    started, pid = time.monotonic(), worker.pid
    worker.terminate()
    within_s = 30 if heeds else 0.5
    worker.stop(started + within_s)
    assert (time.monotonic() - started < within_s) == heeds
    assert worker.pid is None
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_lists_of_processes_show_its_command(tmp_path: Path) -> None:
    def show() -> None:
        print(Path("/proc/self/cmdline").read_text().strip("\0"), "|", Path("/proc/self/comm").read_text())

    worker = ForkedProcess("ioc serve", show, tmp_path / "w.log", restart=SOON)
    assert until_death(worker) == 0
    assert (tmp_path / "w.log").read_text().strip() == f"{sys.executable} -m ioc serve | ioc serve"
