"""Child processes: how long a dead one waits, and that it is restarted."""

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ioc.supervisor.child_processes import CommandProcess, RestartPolicy, StopFlag, keep_running, stop_all


@pytest.mark.parametrize(
    ("deaths", "lived_s", "delay_s"),
    [
        pytest.param(0, 1, 0.2, id="the first death is mended at once"),
        pytest.param(3, 1, 1.6, id="each in a row doubles the wait"),
        pytest.param(20, 1, 10, id="but not without end"),
        pytest.param(20, 60, 0.2, id="a long life makes it good again"),
    ],
)
def test_restart(deaths: Any, lived_s: Any, delay_s: Any) -> None:
    assert RestartPolicy().delay_s(deaths, lived_s) == pytest.approx(delay_s)


def test_a_dead_child_is_started_again_and_let_go_as_the_first_one_was(tmp_path: Path) -> None:
    told = tmp_path / "told"
    waits = f"import sys, time; sys.stdin.readline(); open({str(told)!r}, 'a').write('gone '); time.sleep(60)"
    child = CommandProcess([sys.executable, "-c", waits], {})
    child.start()
    assert child.process is not None
    first = child.process.pid
    child.let_begin()
    _await(lambda: told.exists() and told.read_text() == "gone ")
    child.process.kill()
    codes = []
    _await(lambda: codes.append(child.tend(time.monotonic())) or (child.process and child.process.pid != first))  # type: ignore[func-returns-value]
    try:
        assert [code for code in codes if code is not None] == [-signal.SIGKILL]
        _await(lambda: told.read_text() == "gone gone ")
    finally:
        stop_all([child], 5)
    assert child.process is None


def _await(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_flag_may_be_set_by_a_signal_while_its_thread_waits() -> None:
    flag = StopFlag()
    before = signal.signal(signal.SIGALRM, lambda *_: flag.set())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        assert flag.wait(5)
        assert flag.is_set()
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_process_that_runs_once_is_not_started_again() -> None:
    once = CommandProcess([sys.executable, "-c", "import sys; sys.stdin.readline(); sys.exit(3)"], {}, restart=None)
    ending, codes = StopFlag(), []

    def died(_process: CommandProcess, code: int) -> None:
        codes.append(code)

    once.let_begin()
    began = time.monotonic()

    def stop_later() -> None:
        if codes or time.monotonic() - began > 20:
            once.tend(time.monotonic() + 1e9)  # long after any wait
            ending.set()

    keep_running([once], ending, died, stop_later)
    assert codes == [3]
    assert once.process is None
