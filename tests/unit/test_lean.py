"""Pandas is installed, and stays out of the centre's processes."""

import subprocess
import sys

import pytest

USES_BOTH = """
import sys
{first}
import duckdb, pyarrow as pa
pa.array([1]); duckdb.connect().execute("SELECT 1 AS a").fetchnumpy()
print("pandas" in sys.modules)
"""


@pytest.mark.parametrize(
    ("first", "loaded"),
    [
        pytest.param(
            "import ioc.supervisor.no_pandas; ioc.supervisor.no_pandas.keep_pandas_out()", "False", id="kept out"
        ),
        pytest.param("", "True", id="else it comes by itself, so that this test can fail"),
    ],
)
def test_pandas_stays_out(first: str, loaded: str) -> None:
    program = USES_BOTH.format(first=first)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == loaded


def test_every_command_keeps_it_out() -> None:
    program = (
        "import sys; sys.argv[1:] = ['--version']\n"
        "from ioc.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "try: import pandas\n"
        "except ModuleNotFoundError: print('kept out')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "kept out"
