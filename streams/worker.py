"""One stream worker: `python -m streams.worker INDEX` (settings from the environment)."""

import asyncio
import logging
import socket
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32


from ioc import catalog, topics
from ioc.settings import Settings
from streams.agents import cases, readings
from streams.agents.loop import add_agent
from streams.answer import answer
from streams.app import Membership, build_app
from streams.broker import await_topics
from streams.metrics import Metrics


def run_worker(settings: Settings, index: int) -> None:
    """Answer messages until SIGTERM; ends the process."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    bootstrap, session_timeout_s = asyncio.run(await_topics(settings))
    metrics = Metrics()
    metrics.listen(settings.data_dir / "streams" / f"worker-{index}.metrics")
    vocabulary = catalog.load(settings.province, settings.catalog_dir).vocabulary
    with TemporaryDirectory(prefix="ioc-streams-") as scratch:
        app = build_app(settings, bootstrap, Membership(_instance(settings, index), session_timeout_s), Path(scratch))
        for topic, agent in ((topics.READINGS, readings), (topics.CASES, cases)):
            answering = partial(answer, take=agent.take, nothing=agent.NOTHING, vocabulary=vocabulary)
            add_agent(app, topic, answering, metrics)
        app.finalize()
        app.Worker(quiet=True, override_logging=False, redirect_stdouts=False).execute_from_commandline()


def _instance(settings: Settings, index: int) -> str:
    """The same for a worker at every start, another for any other worker of the cluster."""
    return f"{socket.gethostname()}-{crc32(str(settings.data_dir).encode()):08x}-{index}"


if __name__ == "__main__":
    run_worker(Settings.from_environment(), int(sys.argv[1]))
