"""`python3 -m setup up|test|bench`: bring this checkout to where the command can run; nothing is done twice."""

from __future__ import annotations

import fcntl
import sys

from setup.chromium import CHROMIUM
from setup.environment import COMPILED, PEERS, PEERS_VENV, environment, install
from setup.kafka import FETCH_JARS, RECORD_START
from setup.pages import BUILD_PAGES, NPM_PACKAGES
from setup.steps import BUILD, VENV, SetupFailed, fail, is_done, perform, perform_side_by_side

# Each purpose with the locks requirements/<lock>.txt that serve it, the least first; "test" holds all of "up".
PURPOSES = {"up": ("up", "test"), "test": ("test",), "bench": ("test",)}


def main(purpose: str) -> None:
    BUILD.mkdir(exist_ok=True)
    with (BUILD / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # two `make` at once wait for each other
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
