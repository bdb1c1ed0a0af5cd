"""Ports that embedded brokers of this user have for themselves, also for the seconds in which one is started again.

Else another centre that starts meanwhile would take the port, and the clients of the first would write to its broker.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import weakref
from pathlib import Path
from typing import Self


class Claim:
    """Held until `release`, or the end of the object or of this process."""

    def __init__(self, port: int, descriptor: int) -> None:
        """`descriptor` is of the locked file, and closed at the end."""
        self.port = port
        self._end = weakref.finalize(self, os.close, descriptor)

    @classmethod
    def of(cls, port: int) -> Self | None:
        """None when it is held already. Raises OSError when no lock can be made."""
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
        self._end()
