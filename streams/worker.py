"""One stream worker, in the process that was forked for it."""

import asyncio
import socket
import sys
from zlib import crc32

import faust
import uvloop

from ioc import topics
from ioc.errors import IocError
from ioc.settings import Settings
from streams.agent_output import AgentOutput, MessageLimits, SourceMessage, make_output
from streams.agents import cases, readings
from streams.agents.loop import add_agent
from streams.app import Membership, build_app
from streams.faust_patches import UnnamedWorker
from streams.logs import broker_fault, log_to_stderr
from streams.metrics import Metrics
from streams.vocabulary import CurrentVocabulary
from streams.wait_for_topics import await_topics

_AGENTS = {topics.READINGS: readings, topics.CASES: cases}
_CHECK_EVERY_S = 1.0


class StreamWorker:
    """The app of one worker, its metrics, and its vocabulary."""

    def __init__(self, settings: Settings, index: int) -> None:
        self._settings = settings
        self._index = index
        self._directory = settings.data_dir / "streams"
        self._metrics = Metrics()
        self._vocabulary = CurrentVocabulary(settings)
        self._limits = MessageLimits()

    def run(self) -> None:
        """Answer messages until SIGTERM; ends the process."""
        broker = asyncio.run(await_topics(self._settings))
        self._limits = broker.limits
        self._metrics.listen(self._directory / f"worker-{self._index}.metrics")
        membership = Membership(self._instance(), broker.session_timeout_s)
        app = build_app(self._settings, broker.bootstrap, membership, self._directory / f"scratch-{self._index}")
        for topic in _AGENTS:
            add_agent(app, topic, self._answer, self._metrics)
        app.timer(_CHECK_EVERY_S)(self._reload_changed)
        app.timer(_CHECK_EVERY_S)(self._measure_lag)
        app.finalize()
        worker = UnnamedWorker(app, quiet=True, override_logging=False, redirect_stdouts=False)
        worker.spinner = None
        worker.execute_from_commandline()

    def _answer(self, message: SourceMessage) -> AgentOutput:
        agent = _AGENTS[message.topic]
        return make_output(message, agent.decode, agent.NO_ROWS, self._vocabulary.current, self._limits)

    async def _reload_changed(self, _app: faust.App) -> None:
        self._vocabulary.reload()

    async def _measure_lag(self, app: faust.App) -> None:
        ends = {(tp.topic, tp.partition): app.consumer.highwater(tp) for tp in app.consumer.assignment()}
        self._metrics.measure_lag({partition: end for partition, end in ends.items() if end is not None})

    def _instance(self) -> str:
        """Return a name that is the same at every start of this worker, and unique in the cluster."""
        return f"{socket.gethostname()}-{crc32(str(self._settings.data_dir).encode()):08x}-{self._index}"


def run_worker(settings: Settings, index: int) -> None:
    """Answer messages until SIGTERM, then raise SystemExit; its code is a sentence if something has to be corrected."""
    log_to_stderr()
    uvloop.install()
    try:
        StreamWorker(settings, index).run()
    except IocError as fault:
        sys.exit(str(fault))
    except Exception as error:
        if (cause := broker_fault(error)) is None:
            raise
        sys.exit(f"The broker does not answer any more: {cause}")
