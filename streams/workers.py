"""`ioc streams`: as many worker processes as asked for, each started again when it dies."""

import fcntl
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import IO

from ioc.processes import Child, Restart
from ioc.settings import Settings

STOP_PATIENCE_S = 4.0
_TEND_EVERY_S = 0.1
_SMALL = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
"""Environment of a worker: one core, and no memory kept for threads it does not have."""
_RESTART = Restart(first_s=0.1, longest_s=5.0, settled_after_s=20.0)


def run(settings: Settings, workers: int) -> None:
    """Keep `workers` processes answering until SIGTERM or SIGINT; then all have ended within 5 seconds.

    Several of these may share a data directory: each worker takes a place of its own in it.
    """
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    directory = settings.data_dir / "streams"
    directory.mkdir(parents=True, exist_ok=True)
    places = [_take_place(directory) for _ in range(workers)]
    children = [_child(directory, index) for index, _ in places]
    try:
        while not stopping.is_set():
            for child in children:
                code = child.tend(time.monotonic())
                if code is not None:
                    print(f"{child.name} ended with code {code}; it starts again. Its log is {child.log}.", flush=True)
            stopping.wait(_TEND_EVERY_S)
    finally:
        _stop_all(children)
        for index, place in places:
            (directory / f"worker-{index}.metrics").unlink(missing_ok=True)
            place.close()


def _child(directory: Path, index: int) -> Child:
    command = [sys.executable, "-m", "streams.worker", str(index)]
    return Child(f"worker {index}", command, _SMALL, directory / f"worker-{index}.log", restart=_RESTART)


def _take_place(directory: Path) -> tuple[int, IO[str]]:
    """The first number that no other process here has; it is held until the file is closed."""
    index = 0
    while True:
        place = (directory / f"worker-{index}.lock").open("w")
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            place.close()
            index += 1
        else:
            return index, place


def _stop_all(children: list[Child]) -> None:
    """All at once, so that the patience is one for all."""
    for child in children:
        if child.process is not None:
            child.process.terminate()
    deadline = time.monotonic() + STOP_PATIENCE_S
    for child in children:
        child.stop(max(0.0, deadline - time.monotonic()))
