"""The processes `ioc launcher` and `ioc supervisor`, from which `ioc up` gets all its parts.

`ioc launcher` imports everything while the broker starts, and waits for a line on its standard input before it begins;
it ends when its input ends. It then forks `ioc supervisor`, which forks the parts and restarts each one that dies. So
even when `ioc supervisor` is killed, all parts are back without the seconds that imports take. Each process ends with
the one that forked it.
"""

import gc
import sys
import time
from contextlib import suppress
from functools import partial
from importlib import import_module

from ioc import cli
from ioc.catalog import load_kept
from ioc.catalog.conditions import end_parser
from ioc.catalog.rules import load_rules
from ioc.errors import IocError
from ioc.evaluation.evaluation_plan import EvaluationPlan
from ioc.messages import Message
from ioc.settings import Settings
from ioc.store import Clocks
from ioc.supervisor.child_processes import RestartPolicy, StopFlag, keep_running, set_process_title, stop_all
from ioc.supervisor.forked_process import ForkedProcess
from ioc.supervisor.launch_settings import CANNOT_START
from ioc.supervisor.welcome import welcome
from ioc.terminal import say

STOP_PATIENCE_S = 6.0
ALL_STOP_PATIENCE_S = 35.0
_IMPORTED = (
    "ioc.commands.serve",
    "ioc.commands.lab",
    "ioc.commands.connect",
    "ioc.commands.streams",
    "ioc.commands.demo",
    "connectors.runner",
    "streams.worker",
    "ioc.demo.province",
    "ioc.demo.history.load",
    # Modules that uvicorn and FastAPI import when they start.
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.h11_impl",
    "pydantic.v1",
)
_RESTART = RestartPolicy(first_s=0.05, max_s=10.0, settled_after_s=30.0)


def preload(settings: Settings) -> None:
    """Import what the parts need and read the definitions once, without leaving a thread; forks share the pages.

    Each part still reads the definitions itself, but conditions, days off and unchanged files are not parsed again.
    """
    gc.disable()
    for module in _IMPORTED:
        import_module(module)
    with suppress(IocError):  # the parts report what is wrong, and where
        catalog = load_kept(settings.province, settings.catalog_dir, settings.kept_dir)
        EvaluationPlan.of(catalog)
        Clocks.of_catalog(catalog)
        load_rules(catalog, settings.catalog_dir)
    end_parser()
    # The import makes a connection that nobody uses; it has a thread.
    import_module("duckdb").default_connection().close()
    gc.freeze()
    gc.enable()


def parts(settings: Settings, workers: int) -> list[ForkedProcess]:
    """Return the parts in the order in which they start; they stop in the opposite order."""
    commands = [["serve"], ["lab"], ["streams", "--workers", str(workers)], ["connect"]]
    if settings.demonstration:
        commands.append(["demo"])
    logs = settings.data_dir / "log"
    return [
        ForkedProcess(f"ioc {name}", partial(cli.main, [name, *options]), logs / f"{name}.log", restart=_RESTART)
        for name, *options in commands
    ]


def main(workers: int) -> None:
    """Run `ioc launcher` until SIGTERM. Exits with CANNOT_START when the topics cannot be created."""
    set_process_title("ioc launcher")
    began = time.monotonic()
    settings = Settings.from_environment()
    preload(settings)
    if not sys.stdin.readline():
        return
    ending = StopFlag.on_signals()
    if _run_once(ForkedProcess("ioc topics", partial(_create_topics, settings), None), ending):
        sys.exit(CANNOT_START)
    supervisor = ForkedProcess("ioc supervisor", partial(supervise, settings, workers), None, restart=_RESTART)
    welcoming = ForkedProcess("ioc welcome", partial(welcome, settings, began), None, restart=None)

    def died(process: ForkedProcess, code: int) -> None:
        if process is supervisor:
            say(Message("parts_ended", code=code), err=True)

    try:
        keep_running([supervisor, welcoming], ending, died)
    finally:
        stop_all([welcoming], STOP_PATIENCE_S)
        stop_all([supervisor], ALL_STOP_PATIENCE_S)


def supervise(settings: Settings, workers: int) -> None:
    """Run `ioc supervisor`: keep the parts running until SIGTERM."""
    ending = StopFlag.on_signals()
    running = parts(settings, workers)
    try:
        keep_running(running, ending, _report)
    finally:
        for part in reversed(running):
            stop_all([part], STOP_PATIENCE_S)


def _report(part: ForkedProcess, code: int) -> None:
    say(Message("part_ended", part=part.name, code=code, log=str(part.log)), err=True)


def _create_topics(settings: Settings) -> None:
    from ioc.kafka import create_topics

    try:
        create_topics(settings.bootstrap(), settings.security, settings.partitions)
    except IocError as fault:
        sys.exit(f"ioc: {fault}")


def _run_once(process: ForkedProcess, ending: StopFlag) -> int:
    """Run a process to its end and return the exit code; 0 when `ending` is set before."""
    while not ending.is_set():
        code = process.tend(time.monotonic())
        if code is not None:
            return code
        ending.wait(0.02)
    stop_all([process], STOP_PATIENCE_S)
    return 0
