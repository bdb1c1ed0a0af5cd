"""The lab's session weighs less than those of the centre's other parts."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os
from pathlib import Path
from ioc.lab.giving_way import step_back
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
