"""Fetch Kafka's jars and record a first start of the embedded broker."""

from __future__ import annotations

from pathlib import Path

from setup.jars import JARS, LOCK
from setup.steps import BUILD, PYTHON, ROOT, Step, call


def fetch(log: Path) -> None:
    """Fetch the jars. Raises SetupFailed."""
    call([str(PYTHON), "-m", "setup.fetch_jars"], log, failure="Kafka's jars could not be fetched")


def record(log: Path) -> None:
    """Record a first start. Raises SetupFailed."""
    call([str(PYTHON), "-m", "ioc.broker.record"], log, failure="the embedded broker did not start for the first time")


FETCH_JARS = Step(name="kafka", title="Kafka", run=fetch, inputs=(LOCK,), outputs=(JARS,))

# Java refuses a cache made with other jars, another runtime or other options; all three are inputs.
RECORD_START = Step(
    name="kafka-start",
    title="Kafka's quick start",
    run=record,
    inputs=(LOCK, ROOT / "ioc/broker/java.py", ROOT / "requirements/up.txt"),
    outputs=(BUILD / f"{JARS.name}.aot", BUILD / f"{JARS.name}.checkpoint"),
)
