"""What the chaos works on, and a disk of its own for the centre."""

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ioc.model.case import Case
from ioc.model.reading import Reading
from tests.acceptance.known_flow import push_until_taken
from tests.acceptance.sector_systems import ndjson_of
from tests.support.running_centre import RunningCentre, wait_for

DISK_MB = 700


@dataclass
class Scene:
    """What faults work on.

    `beat` is a push source of the test's own, of which `beats` readings were taken; `polled` readings can be polled in
    all. `extra_readings` and `extra_cases` have what was handed over beyond the plan, `cuts` (topic, partition, first
    offset) of each tail that was cut off.
    """

    centre: RunningCentre
    rng: random.Random
    beat: str
    own_disk: bool
    extra_readings: list[Reading] = field(default_factory=list)
    extra_cases: list[Case] = field(default_factory=list)
    cuts: list[tuple[str, int, int]] = field(default_factory=list)
    polled: int = 0
    beats: int = 0
    number: int = 0

    def next_number(self) -> int:
        self.number += 1
        return self.number

    def push_beat(self) -> None:
        """Push ten more readings of the test's own source."""
        number, now = self.next_number(), datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=2)
        readings = [
            Reading("air.pm10", "19753", now + timedelta(milliseconds=n), number % 100 + n / 8, f"BEAT-{number}")
            for n in range(10)
        ]
        push_until_taken(self.centre, self.beat, ndjson_of(readings), f"beat-{number}")
        self.extra_readings += readings
        self.beats += len(readings)


@contextmanager
def disk_of_its_own(directory: Path) -> Iterator[bool]:
    """Mount a small file system at the directory; False where this user may not mount."""
    directory.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0700", "none", str(directory)]
    is_mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    try:
        yield is_mounted
    finally:
        if is_mounted:
            unmount = ["umount", str(directory)]
            wait_for("an unused disk", lambda: subprocess.run(unmount, capture_output=True).returncode == 0, 30)
