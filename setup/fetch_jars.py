"""Fetch Kafka's jars with jgo, a Maven resolver in Python. Runs in the virtual environment.

    python -m setup.fetch_jars           download what setup/kafka.lock names and verify it
    python -m setup.fetch_jars --lock    resolve again and write setup/kafka.lock

The machine's own jgo configuration, such as a mirror, is used.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jgo
from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import MavenContext

from setup.jars import JARS, KAFKA_VERSION, LOCK, LockedJar, checksum, read_lock, verify

# Kafka logs through SLF4J 1.7 and leaves the choice of the backend open. Resolved apart, since log4j's parent would
# otherwise pull kafka-clients down to an older version.
ROOTS = [f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}", "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5"]


def resolve() -> list[tuple[str, str, str]]:
    """Return (group, artifact, version) of Kafka and all it needs; where two roots differ, Kafka's version counts."""
    versions: dict[tuple[str, str], str] = {}
    for root in ROOTS:
        for artifact in jgo.resolve(root):
            versions.setdefault((artifact.groupId, artifact.artifactId), artifact.version)
    return sorted((group, artifact, version) for (group, artifact), version in versions.items())


def download(coordinates: list[tuple[str, str, str]], into: Path) -> None:
    """Download jars into a folder. Raises RuntimeError naming the artifact that could not be fetched."""
    with tempfile.TemporaryDirectory(dir=into) as cache:
        maven = MavenContext(
            repo_cache=Path(cache),
            remote_repos={"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories},
            timeout=60,
        )

        def fetch(coordinate: tuple[str, str, str]) -> None:
            group, artifact, version = coordinate
            jar = maven.project(group, artifact).at_version(version).artifact().resolve()
            jar.rename(into / f"{artifact}-{version}.jar")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(fetch, coordinates))


def main(arguments: list[str]) -> None:
    """Download and verify the jars; with `--lock`, write the lock first."""
    relock = arguments == ["--lock"]
    coordinates = resolve() if relock else [(j.group, j.artifact, j.version) for j in read_lock(LOCK.read_text())]
    part = JARS.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    download(coordinates, part)
    if relock:
        jars = [LockedJar(g, a, v, checksum(part / f"{a}-{v}.jar")) for g, a, v in coordinates]
        LOCK.write_text("".join(f"{jar}\n" for jar in jars))
    verify(read_lock(LOCK.read_text()), part)
    shutil.rmtree(JARS, ignore_errors=True)
    part.rename(JARS)


if __name__ == "__main__":
    main(sys.argv[1:])
