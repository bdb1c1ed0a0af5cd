"""Processes: how long a dead one waits, and that a child is started again."""

import signal
import sys
import time
from pathlib import Path

import pytest

from ioc.processes import Child, Flag, Restart


@pytest.mark.parametrize(
    ("deaths", "lived_s", "delay_s"),
    [
        pytest.param(0, 1, 0.2, id="the first death is mended at once"),
        pytest.param(3, 1, 1.6, id="each in a row doubles the wait"),
        pytest.param(20, 1, 10, id="but not without end"),
        pytest.param(20, 60, 0.2, id="a long life makes it good again"),
    ],
)
def test_restart(deaths, lived_s, delay_s):
    assert Restart().delay_s(deaths, lived_s) == pytest.approx(delay_s)


def test_a_dead_child_is_started_again(tmp_path: Path):
    child = Child("nap", [sys.executable, "-c", "import time; time.sleep(60)"], {}, tmp_path / "nap.log")
    child.start()
    assert child.process is not None
    first = child.process.pid
    child.process.kill()
    deadline = time.monotonic() + 10
    codes = []
    while time.monotonic() < deadline and (child.process is None or child.process.pid == first):
        codes.append(child.tend(time.monotonic()))
        time.sleep(0.02)
    try:
        assert child.process is not None
        assert child.process.pid != first
        assert [code for code in codes if code is not None] == [-signal.SIGKILL]
    finally:
        child.stop(5)
    assert child.process is None


def test_a_flag_may_be_set_by_a_signal_while_its_thread_waits():
    flag = Flag()
    before = signal.signal(signal.SIGALRM, lambda *_: flag.set())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        assert flag.wait(5)
        assert flag.is_set()
    finally:
        signal.signal(signal.SIGALRM, before)
