"""Who uses the broker's folder: at most one broker, and the one that starts it."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A broker whose starter was killed ends within milliseconds; one that runs stays.
PATIENCE_S = 1.0


class Occupied(Exception):
    """Another broker runs in the folder, or is about to."""


@contextmanager
def occupied(folder: Path) -> Iterator[int]:
    """Hold the lock file of `folder` (made if need be); gives its descriptor.

    A process that inherits the descriptor goes on holding the lock when this context ends, until it ends itself,
    however that ends. Raises Occupied before anything else in the folder is touched, and OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as file:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Occupied from None
                time.sleep(0.02)
        yield file.fileno()
