"""Ports that embedded brokers of this user have for themselves, also for the seconds in which one is started again.

Else another centre that starts meanwhile would take the port, and the clients of the first would write to its broker.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self


@dataclass(frozen=True)
class Claim:
    """Held until `release`, or the end of this process."""

    port: int
    _lock: IO[str]

    @classmethod
    def of(cls, port: int) -> Self | None:
        """None when another process has it. Raises OSError when no lock can be made."""
        folder = Path(tempfile.gettempdir()) / f"ioc-ports-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = (folder / f"{port}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        return cls(port, lock)

    def release(self) -> None:
        self._lock.close()
