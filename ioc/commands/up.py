"""`ioc up`: everything on one machine, with the demonstration province, until Ctrl-C."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
import httpx

from ioc.broker import BrokerStartFailed, EmbeddedBroker
from ioc.demo import addresses
from ioc.demo.people import demonstration_accounts
from ioc.errors import ConfigurationInvalid
from ioc.kafka import create_topics
from ioc.processes import Child, Flag, Restart
from ioc.settings import Settings

STOP_PATIENCE_S = 6.0
READY_WITHIN_S = 180.0


@click.command()
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 16), help="stream workers")
@click.option("--demo/--no-demo", default=True, show_default=True, help="the demonstration province")
def command(workers: int, demo: bool) -> None:
    """Run broker, workers, connectors, server and wall; each part that dies is started again."""
    settings = Settings.from_environment()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with only_one(settings.data_dir / "up.lock"):
        _run(settings, workers, demo)


def _run(settings: Settings, workers: int, demo: bool) -> None:
    ending = Flag()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ending.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    broker = None if settings.kafka else EmbeddedBroker(settings.data_dir)
    began = time.monotonic()
    if broker is not None:
        broker.start()
        threading.Thread(target=_keep_broker, args=(broker, ending), daemon=True).start()
    create_topics(settings.bootstrap(), settings.security, settings.partitions)
    children = _children(settings, workers, demo)
    try:
        for child in children:
            child.start()
        if demo:
            _load_history(settings)
        _announce(settings, children, ending, demo, began)
        while not ending.wait(0.1):
            for child in children:
                code = child.tend(time.monotonic())
                if code is not None:
                    click.echo(f"{child.name} ended with code {code}; it is started again (log: {child.log})", err=True)
    finally:
        ending.set()
        for child in reversed(children):
            child.stop(STOP_PATIENCE_S)
        if broker is not None:
            broker.stop()


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`; the kernel lets go of it when the process ends. Raises ConfigurationInvalid."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationInvalid(
                f"A centre runs in {path.parent} already; stop it, or set IOC_DATA_DIR."
            ) from None
        yield


def _children(settings: Settings, workers: int, demo: bool) -> list[Child]:
    """In the order of starting; they are stopped the other way round."""
    commands = {
        "serve": ["serve"],
        "lab": ["lab"],
        "streams": ["streams", "--workers", str(workers)],
        "connect": ["connect"],
    }
    if demo:
        commands["demo"] = ["demo"]
    environment = {"IOC_DATA_DIR": str(settings.data_dir), "IOC_DEMO": "1" if demo else "0", "PYTHONUNBUFFERED": "1"}
    # glibc keeps a heap for each thread, and what a burst left in one is of no use to another.
    environment["MALLOC_ARENA_MAX"] = "2"
    logs = settings.data_dir / "log"
    return [
        Child(name, [sys.executable, "-m", "ioc", *words], environment, logs / f"{name}.log")
        for name, words in commands.items()
    ]


def _load_history(settings: Settings) -> None:
    """In the foreground, for its progress bar; the second time it ends at once. The wall is live meanwhile."""
    environment = {**os.environ, "IOC_DATA_DIR": str(settings.data_dir)}
    loading = subprocess.run([sys.executable, "-m", "ioc", "demo", "--history"], env=environment, check=False)
    if loading.returncode:
        click.echo("The history was not loaded to its end; the next start goes on with it.", err=True)


def _announce(settings: Settings, children: list[Child], ending: Flag, demo: bool, began: float) -> None:
    """Say where things are once live values flow, or after a while what does not come."""
    address = f"http://127.0.0.1:{settings.http_port}"
    while not ending.wait(0.2):
        for child in children:
            child.tend(time.monotonic())
        try:
            ready = httpx.get(f"{address}/readyz", timeout=1).status_code == 200
        except httpx.HTTPError:
            ready = False
        if ready or time.monotonic() - began > READY_WITHIN_S:
            break
    if ending.is_set():
        return
    state = f"live after {time.monotonic() - began:.0f} s" if ready else "NO LIVE VALUES YET; see the logs"
    settings.admin_token()
    token = "IOC_ADMIN_TOKEN" if os.environ.get("IOC_ADMIN_TOKEN") else str(settings.data_dir / "admin.token")
    click.echo(f"Wall         {address}/wall/main  ({state})")
    click.echo(f"API          {address}/docs")
    click.echo(f"Kafka        {settings.bootstrap()}")
    click.echo(f"Admin token  {token}")
    click.echo("Push token   .venv/bin/ioc source token demo-push")
    click.echo(f"Data, logs   {settings.data_dir}")
    if demo and (at := addresses.read(settings.data_dir)) is not None:
        click.echo(f"MQTT         {at.mqtt}  (simulated server; topic air/<unit>/air.pm25/<station>)")
        click.echo(f"Drop folder  {at.folders['demo-drop']}")
    if demo:
        for role, name, password in demonstration_accounts(settings):
            click.echo(f"Log in as    {role:9} {name:9} {password}")
    click.echo("Ctrl-C stops all of it.")


def _keep_broker(broker: EmbeddedBroker, ending: Flag) -> None:
    """Start it again whenever it ends, also when it ends while starting."""
    restart, deaths = Restart(), 0
    while not ending.is_set():
        began = time.monotonic()
        told = f"broker ended with code {broker.wait()}"
        while not ending.is_set():
            lived_s = time.monotonic() - began
            deaths = 0 if lived_s >= restart.settled_after_s else deaths + 1
            click.echo(f"{told}; it is started again", err=True)
            ending.wait(restart.delay_s(deaths, lived_s))
            try:
                broker.start()
                break
            except BrokerStartFailed as fault:
                told = str(fault)
