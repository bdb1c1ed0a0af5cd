"""Locks of the embedded broker: on its port, and on its folder."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

MAX_WAIT_S = 1.0
"""A broker whose starter was killed ends within milliseconds; one that is still there after this time stays."""


class PortClaim:
    """A port that an embedded broker of this user keeps, also for the seconds in which the broker is restarted.

    Without it, another centre that starts meanwhile could take the port, and the clients of the first centre would
    write to its broker. The claim holds until `release`, or the end of the object or of this process.
    """

    def __init__(self, port: int, descriptor: int) -> None:
        """Keep `descriptor`, of the locked file, open until the claim ends."""
        self.port = port
        self._end = weakref.finalize(self, os.close, descriptor)

    @classmethod
    def of(cls, port: int) -> Self | None:
        """Claim a port; None when it is claimed already. Raises OSError when no lock can be made."""
        folder = Path(tempfile.gettempdir()) / f"ioc-ports-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(folder / f"{port}.lock", os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(port, descriptor)

    def release(self) -> None:
        """End the claim."""
        self._end()


class FolderInUse(Exception):
    """Another broker runs in the folder, or is about to."""


@contextmanager
def folder_lock(folder: Path) -> Iterator[int]:
    """Hold the lock file of `folder`, which is made if needed; yields its descriptor.

    A process that inherits the descriptor holds the lock until it ends, also after this context. Raises FolderInUse
    before anything else in the folder is touched, and OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as file:
        deadline = time.monotonic() + MAX_WAIT_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise FolderInUse from None
                time.sleep(0.02)
        yield file.fileno()
