"""The launcher: what it preloads leaves no thread."""

import subprocess
import sys
from pathlib import Path

from ioc.supervisor.launch_settings import ENVIRONMENT

_LOOK = """
import os
from ioc.supervisor.no_pandas import keep_pandas_out
keep_pandas_out()
from ioc.supervisor.launcher import preload
from ioc.settings import Settings
preload(Settings.from_environment())
print(len(os.listdir("/proc/self/task")))
"""


def test_what_is_made_ready_for_the_parts_leaves_no_thread_that_a_fork_would_lose(tmp_path: Path) -> None:
    environment = {**ENVIRONMENT, "IOC_DATA_DIR": str(tmp_path)}
    told = subprocess.run([sys.executable, "-c", _LOOK], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout == "1\n"
