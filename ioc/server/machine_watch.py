"""Watch whether the machine has what every part needs: file descriptors and free disk space."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ioc.errors import IocError
from ioc.fault_register import FaultRegister
from ioc.messages import Message
from ioc.periodic_thread import PeriodicThread, StepPolicy

EVERY_S = 2.0
MIN_FREE_BYTES = 64 * 1024 * 1024
"""With less free space the next batch, checkpoint or tick may fail."""


class DescriptorsUsedUp(IocError):
    """The process cannot open a file or a connection."""

    fault_code = "descriptors_used_up"


class DiskFull(IocError):
    """The disk of the data directory is full."""

    fault_code = "disk_full"


class MachineWatch:
    """Report a fault while descriptors or disk space are used up. Requests that fail meanwhile get 503."""

    def __init__(self, data_dir: Path, faults: FaultRegister | None = None) -> None:
        self._data_dir = data_dir
        self._thread = PeriodicThread("machine", self.look, EVERY_S, faults, policy=StepPolicy(max_back_off_s=EVERY_S))

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the running check, at the latest after 5 s."""
        self._thread.stop(5)

    def look(self) -> None:
        """Raise DescriptorsUsedUp or DiskFull when the machine lacks one of them."""
        try:
            os.close(os.open(os.devnull, os.O_RDONLY))
        except OSError as failure:
            raise DescriptorsUsedUp(Message("descriptors_used_up", reason=failure.strerror or "")) from failure
        free = shutil.disk_usage(self._data_dir).free
        if free < MIN_FREE_BYTES:
            raise DiskFull(
                Message(
                    "disk_full", reason=Message("disk_free", megabytes=round(free / 1e6), data_dir=str(self._data_dir))
                )
            )
