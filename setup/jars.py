"""Read the lock of Kafka's jars, `setup/kafka.lock`, and verify the folder of jars.

The lock has one line per jar, `group:artifact:version sha256`, sorted, so that a new version is readable in a diff.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

KAFKA_VERSION = "4.4.0"
LOCK = Path(__file__).parent / "kafka.lock"
JARS = Path(__file__).parent.parent / ".build" / f"kafka-{KAFKA_VERSION}"


class JarsDiffer(Exception):
    """A jar is missing from the folder or its checksum is not the locked one; the message names it."""


@dataclass(frozen=True, order=True)
class LockedJar:
    """One line of the lock."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name of the jar's file."""
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version} {self.sha256}"


def read_lock(text: str) -> list[LockedJar]:
    """Return the jars of a lock. Raises ValueError naming the line that is not `group:artifact:version sha256`."""
    jars = []
    for number, line in enumerate(text.splitlines(), start=1):
        coordinate, _, sha256 = line.partition(" ")
        parts = coordinate.split(":")
        if len(parts) != 3 or len(sha256) != 64:
            raise ValueError(f"kafka.lock, line {number}: expected 'group:artifact:version sha256', found {line!r}")
        jars.append(LockedJar(parts[0], parts[1], parts[2], sha256))
    return jars


def checksum(file: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def verify(jars: list[LockedJar], folder: Path) -> None:
    """Check all jars in a folder. Raises JarsDiffer at the first one that is missing or differs."""
    for jar in jars:
        file = folder / jar.file_name
        if not file.exists():
            raise JarsDiffer(f"{file} is missing")
        found = checksum(file)
        if found != jar.sha256:
            raise JarsDiffer(f"{file} has checksum {found}, setup/kafka.lock says {jar.sha256}")
