"""The lab's session weighs less than those of the centre's other parts."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os
from pathlib import Path
from ioc.lab.cpu_priority import step_back
before = os.nice(0)
step_back(10)
print(os.nice(0) - before, Path("/proc/self/autogroup").read_text().split()[-1])
"""


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this kernel does not weigh sessions")
@pytest.mark.parametrize(
    ("own", "told"),
    [
        pytest.param(True, ["10", "10"], id="its own session with it"),
        pytest.param(False, ["10", "0"], id="a session of others stays as it is"),
    ],
)
def test_step_back(own: bool, told: list[str]) -> None:
    within = "import os, sys, subprocess; os.setsid(); sys.exit(subprocess.call([sys.executable, '-c', sys.argv[1]]))"
    command = [sys.executable, "-c", PROGRAM] if own else [sys.executable, "-c", within, PROGRAM]
    ran = subprocess.run(command, start_new_session=own, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == told


LATER = """
import os, subprocess, sys, time
from ioc.lab.cpu_priority import step_back_later
before = os.nice(0)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(20)"])
step_back_later(7, 0.05)
started = os.nice(0) - before
deadline = time.monotonic() + 10
while os.nice(0) == before and time.monotonic() < deadline:
    time.sleep(0.01)
print(started, os.nice(0) - before, os.getpriority(os.PRIO_PROCESS, child.pid) - before)
child.kill()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux lists the children of a process")
def test_a_start_has_its_full_share_and_what_it_has_started_steps_back_with_it() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LATER], start_new_session=True, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["0", "7", "7"]
