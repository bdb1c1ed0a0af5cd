"""Run the failed tests of the last run again, one at a time, and print those that now pass as FLAKY.

`python -m tests.support.retry_failed`; exits with the code of the second run. A test that fails beside the other suites
on two busy cores and passes alone is not a fault of the product, but it has to be mended; so it is named.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson

REPOSITORY = Path(__file__).parents[2]
LAST_FAILED = Path(".pytest_cache/v/cache/lastfailed")


def failed(root: Path) -> set[str]:
    """Return the ids of tests (or files that could not be collected) that failed in the last run."""
    path = root / LAST_FAILED
    return set(orjson.loads(path.read_bytes())) if path.exists() else set()


def retry(root: Path) -> int:
    """Run them again and print the flaky ones. Returns pytest's exit code, 1 when there is nothing to run again."""
    before = failed(root)
    if not before:
        print("No failed test is on record; the run itself failed.")
        return 1
    command = [sys.executable, "-m", "pytest", "-q", "--last-failed", "--last-failed-no-failures", "none"]
    code = subprocess.run(command, cwd=root, check=False).returncode
    for test in sorted(before - failed(root)):
        print(f"FLAKY {test}")
    return code


if __name__ == "__main__":
    sys.exit(retry(REPOSITORY))
