"""Whether the machine still gives what every part needs: file descriptors and room on the disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ioc.errors import IocError
from ioc.fault_register import FaultRegister
from ioc.periodic_thread import PeriodicThread

EVERY_S = 2.0
MIN_FREE_BYTES = 64 * 1024 * 1024
"""Below that the next batch, checkpoint or tick may find no room."""


class DescriptorsUsedUp(IocError):
    """The process can open neither a file nor a connection."""

    fault_code = "descriptors_used_up"


class DiskFull(IocError):
    """The data directory has no room left to work with."""

    fault_code = "disk_full"


class MachineWatch:
    """A fault as long as the machine is used up; what then fails elsewhere is refused with 503 and tried again."""

    def __init__(self, data_dir: Path, faults: FaultRegister | None = None) -> None:
        self._data_dir = data_dir
        self._thread = PeriodicThread("machine", self.look, EVERY_S, faults, max_back_off_s=EVERY_S)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._thread.stop(5)

    def look(self) -> None:
        """Check descriptors and disk. Raises DescriptorsUsedUp, DiskFull."""
        try:
            os.close(os.open(os.devnull, os.O_RDONLY))
        except OSError as failure:
            raise DescriptorsUsedUp(f"{failure.strerror}") from failure
        free = shutil.disk_usage(self._data_dir).free
        if free < MIN_FREE_BYTES:
            raise DiskFull(f"{free / 1e6:.0f} MB are free in {self._data_dir}")
