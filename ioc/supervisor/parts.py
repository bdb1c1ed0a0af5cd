"""The processes that the parts are forked from.

`ioc ready` imports everything while the broker starts, and waits for a line on its standard input to begin; an input
that ends ends it. It then forks `ioc parts`, which forks the parts and starts each again that dies. So when `ioc parts`
itself is killed, all are back without the seconds that the imports take. Each process ends with the one that forked it.
"""

import gc
import signal
import sys
import time
from contextlib import suppress
from functools import partial
from importlib import import_module
from types import FrameType

import click

from ioc import cli
from ioc.catalog import load_kept
from ioc.catalog.conditions import end_parser
from ioc.catalog.rules import load_rules
from ioc.commands.starting import BEYOND_HELP
from ioc.errors import IocError
from ioc.evaluation.evaluation_plan import Plan
from ioc.settings import Settings
from ioc.store import Clocks
from ioc.supervisor.child_processes import Flag, Restart, be_called
from ioc.supervisor.preloaded_process import Forked
from ioc.supervisor.welcome import welcome

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
    # What uvicorn and FastAPI import when they are set up.
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.h11_impl",
    "pydantic.v1",
)
_RESTART = Restart(first_s=0.05, longest_s=10.0, settled_after_s=30.0)
_TEND_EVERY_S = 0.05


def make_ready(settings: Settings) -> None:
    """Import what the parts need and read the definitions once, without leaving a thread behind; the pages stay shared.

    Each part still reads the definitions itself, but conditions, days off and unchanged files are not parsed again.
    """
    gc.disable()
    for module in _IMPORTED:
        import_module(module)
    with suppress(IocError):  # the parts say what is wrong, and where
        catalog = load_kept(settings.province, settings.catalog_dir, settings.kept_dir)
        Plan.of(catalog)
        Clocks.of_catalog(catalog)
        load_rules(catalog, settings.catalog_dir)
    end_parser()
    # Made by the import, and nobody's; it has a thread.
    import_module("duckdb").default_connection().close()
    gc.freeze()
    gc.enable()


def parts(settings: Settings, workers: int) -> list[Forked]:
    """In the order of starting; they are stopped the other way round."""
    commands = [["serve"], ["lab"], ["streams", "--workers", str(workers)], ["connect"]]
    if settings.demonstration:
        commands.append(["demo"])
    logs = settings.data_dir / "log"
    return [
        Forked(f"ioc {words[0]}", partial(cli.main, words), logs / f"{words[0]}.log", _RESTART) for words in commands
    ]


def main(workers: int) -> None:
    """Run until SIGTERM. Ends with BEYOND_HELP when the broker takes no topics."""
    be_called("ioc ready")
    began = time.monotonic()
    settings = Settings.from_environment()
    make_ready(settings)
    if not sys.stdin.readline():
        return
    ending = _ended_by_signals()
    if _ended(Forked("ioc topics", partial(_make_topics, settings), None), ending):
        sys.exit(BEYOND_HELP)
    supervisor = Forked("ioc parts", partial(supervise, settings, workers), None, _RESTART)
    greeting: Forked | None = Forked("ioc welcome", partial(welcome, settings, began), None)
    try:
        while not ending.is_set():
            now = time.monotonic()
            if (code := supervisor.tend(now)) is not None:
                click.echo(f"All parts ended with code {code}; they are started again", err=True)
            if greeting is not None and greeting.tend(now) is not None:
                greeting = None
            ending.wait(_TEND_EVERY_S)
    finally:
        for process, patience_s in ((greeting, STOP_PATIENCE_S), (supervisor, ALL_STOP_PATIENCE_S)):
            if process is not None:
                process.terminate()
                process.stop(time.monotonic() + patience_s)


def supervise(settings: Settings, workers: int) -> None:
    """Keep the parts running until SIGTERM."""
    ending = _ended_by_signals()
    running = parts(settings, workers)
    try:
        while not ending.is_set():
            now = time.monotonic()
            for part in running:
                code = part.tend(now)
                if code is not None:
                    told = f"{part.name} ended with code {code}; it is started again (log: {part.log})"
                    click.echo(told, err=True)
            ending.wait(_TEND_EVERY_S)
    finally:
        for part in reversed(running):
            part.terminate()
            part.stop(time.monotonic() + STOP_PATIENCE_S)


def _ended_by_signals() -> Flag:
    """Return a flag that SIGTERM and SIGINT set from now on."""
    ending = Flag()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ending.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    return ending


def _make_topics(settings: Settings) -> None:
    from ioc.kafka import create_topics

    try:
        create_topics(settings.bootstrap(), settings.security, settings.partitions)
    except IocError as fault:
        sys.exit(f"ioc: {fault}")


def _ended(process: Forked, ending: Flag) -> int:
    """Its exit code; 0 when the end was asked for meanwhile."""
    while not ending.is_set():
        code = process.tend(time.monotonic())
        if code is not None:
            return code
        ending.wait(0.02)
    process.terminate()
    process.stop(time.monotonic() + STOP_PATIENCE_S)
    return 0
