"""Set up this checkout for a command: `python3 -m setup up|test|bench`. Steps that are done are skipped."""

from __future__ import annotations

import fcntl
import sys

from setup.chromium import CHROMIUM
from setup.environment import COMPILED, PEERS, PEERS_VENV, environment, install
from setup.kafka import FETCH_JARS, RECORD_START
from setup.pages import BUILD_PAGES, NPM_PACKAGES
from setup.steps import BUILD, VENV, SetupFailed, fail, is_done, perform, perform_side_by_side

# Each purpose with the locks requirements/<lock>.txt that are enough for it, the smallest first; "test" includes "up".
PURPOSES = {"up": ("up", "test"), "test": ("test",), "bench": ("test",)}


def main(purpose: str) -> None:
    """Perform all steps for a purpose. Raises SetupFailed."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # of two `make` at once, one waits for the other
        perform([environment(VENV)])
        sufficient = [install(lock) for lock in PURPOSES[purpose]]
        if not any(is_done(step) for step in sufficient):
            perform(sufficient[:1])
        perform([COMPILED])
        pages = [NPM_PACKAGES, BUILD_PAGES] + ([CHROMIUM] if purpose == "test" else [])
        if purpose == "bench":
            perform([environment(PEERS_VENV), PEERS])
        perform_side_by_side([[FETCH_JARS, RECORD_START], pages])


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in PURPOSES:
        sys.exit("usage: python3 -m setup up|test|bench")
    try:
        main(sys.argv[1])
    except SetupFailed as failure:
        fail(failure)
    except KeyboardInterrupt:
        sys.exit(130)
