"""One stream worker, in the process it was forked into."""

import asyncio
import socket
import sys
from zlib import crc32

import faust
import uvloop

from ioc import topics
from ioc.errors import IocError
from ioc.settings import Settings
from streams.agent_output import Answer, Limits, SourceMessage, answer
from streams.agents import cases, readings
from streams.agents.loop import add_agent
from streams.app import Membership, build_app
from streams.logs import fault_of_the_broker, log_to_stderr
from streams.metrics import Metrics
from streams.vocabulary import VocabularyInForce
from streams.wait_for_topics import await_topics

_AGENTS = {topics.READINGS: readings, topics.CASES: cases}
_LOOK_EVERY_S = 1.0


class _FaustWorker(faust.Worker):
    """It keeps the name that lists of processes show it by."""

    def _setproctitle(self, info: str, *, ident: str = "") -> None:
        pass


class Worker:
    """The app of one worker, its metrics, and the vocabulary in force."""

    def __init__(self, settings: Settings, index: int) -> None:
        self._settings = settings
        self._index = index
        self._directory = settings.data_dir / "streams"
        self._metrics = Metrics()
        self._vocabulary = VocabularyInForce(settings)
        self._limits = Limits()

    def run(self) -> None:
        """Answer messages until SIGTERM; ends the process."""
        broker = asyncio.run(await_topics(self._settings))
        self._limits = broker.limits
        self._metrics.listen(self._directory / f"worker-{self._index}.metrics")
        membership = Membership(self._instance(), broker.session_timeout_s)
        app = build_app(self._settings, broker.bootstrap, membership, self._directory / f"scratch-{self._index}")
        for topic in _AGENTS:
            add_agent(app, topic, self._answer, self._metrics)
        app.timer(_LOOK_EVERY_S)(self._reload_changed)
        app.timer(_LOOK_EVERY_S)(self._measure_lag)
        app.finalize()
        worker = _FaustWorker(app, quiet=True, override_logging=False, redirect_stdouts=False)
        worker.spinner = None
        worker.execute_from_commandline()

    def _answer(self, message: SourceMessage) -> Answer:
        agent = _AGENTS[message.topic]
        return answer(message, agent.take, agent.NOTHING, self._vocabulary.now, self._limits)

    async def _reload_changed(self, _app: faust.App) -> None:
        self._vocabulary.look()

    async def _measure_lag(self, app: faust.App) -> None:
        ends = {(tp.topic, tp.partition): app.consumer.highwater(tp) for tp in app.consumer.assignment()}
        self._metrics.measure_lag({place: end for place, end in ends.items() if end is not None})

    def _instance(self) -> str:
        """The same for a worker at every start, another for any other worker of the cluster."""
        return f"{socket.gethostname()}-{crc32(str(self._settings.data_dir).encode()):08x}-{self._index}"


def run_worker(settings: Settings, index: int) -> None:
    """Answer messages until SIGTERM; ends with SystemExit, its code a sentence if something is to be mended."""
    log_to_stderr()
    uvloop.install()
    try:
        Worker(settings, index).run()
    except IocError as fault:
        sys.exit(str(fault))
    except Exception as error:
        if (fault_of_broker := fault_of_the_broker(error)) is None:
            raise
        sys.exit(f"The broker does not answer any more: {fault_of_broker}")
