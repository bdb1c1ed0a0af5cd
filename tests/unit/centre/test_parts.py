"""The process that the parts of `ioc up` are forked from."""

import subprocess
import sys

from ioc.commands.starting import ENVIRONMENT

_LOOK = """
import os
from ioc.parts.forking import import_all
from ioc.lean import keep_pandas_out
keep_pandas_out()
import_all()
print(len(os.listdir("/proc/self/task")))
"""


def test_what_is_imported_for_the_parts_leaves_no_thread_that_a_fork_would_lose():
    told = subprocess.run([sys.executable, "-c", _LOOK], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert told.stdout == "1\n"
