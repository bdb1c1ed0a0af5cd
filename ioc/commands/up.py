"""`ioc up`: everything on one machine, with the demonstration province, until Ctrl-C."""

import fcntl
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

import click

from ioc.broker import BrokerStartFailed, EmbeddedBroker
from ioc.commands.starting import BEYOND_HELP, ENVIRONMENT
from ioc.errors import ConfigurationInvalid
from ioc.http_listener import await_free_port
from ioc.periodic_thread import PeriodicThread
from ioc.settings import Settings
from ioc.supervisor.child_processes import Child, Flag, Restart

STOP_PATIENCE_S = 40.0
PORT_PATIENCE_S = 5.0
"""How long a server that was killed may still hold its port."""


@click.command()
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 16), help="stream workers")
@click.option("--demo/--no-demo", default=True, show_default=True, help="the demonstration province")
@click.option(
    "--broker-password/--no-broker-password",
    default=None,
    help="ask Kafka's clients to log in (default: all but the demonstration)",
)
def command(workers: int, demo: bool, broker_password: bool | None) -> None:
    """Run broker, workers, connectors, server and wall; each part that dies is started again."""
    settings = Settings.from_environment()
    settings.create_data_dir()
    with only_one(settings.data_dir / "up.lock"):
        await_free_port(settings.http_host, settings.http_port, PORT_PATIENCE_S)
        asks = not demo if broker_password is None else broker_password
        _run(settings, workers, demo, settings.kafka_password() if asks else settings.without_kafka_password())


def _run(settings: Settings, workers: int, demo: bool, password: str) -> None:
    ending = Flag()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ending.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    broker = None if settings.kafka else EmbeddedBroker(settings.data_dir, password=password)
    parts = Child(
        [sys.executable, "-m", "ioc.supervisor", str(workers)],
        {**ENVIRONMENT, "IOC_DATA_DIR": str(settings.data_dir), "IOC_DEMO": "1" if demo else "0"},
    )
    parts.start()  # it imports while the broker starts
    try:
        if broker is not None:
            address = broker.start()
            keeping = partial(_keep_broker, broker, address, parts, ending)
            PeriodicThread("broker", keeping, 0.0, stuck_after_s=None).start()
        parts.let_go()
        while not ending.wait(0.1):
            first = parts.deaths == 0
            code = parts.tend(time.monotonic())
            if first and code == BEYOND_HELP:
                sys.exit(BEYOND_HELP)
            if code is not None:
                click.echo(f"All parts ended with code {code}; they are started again", err=True)
    finally:
        ending.set()
        parts.stop(STOP_PATIENCE_S)
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


def _keep_broker(broker: EmbeddedBroker, address: str, parts: Child, ending: Flag) -> None:
    """Start it again whenever it ends, also when it ends while starting. Where its port was taken meanwhile all parts
    begin anew, since they would go on asking there."""
    restart, deaths = Restart(first_s=0.05), 0
    while not ending.is_set():
        began = time.monotonic()
        told = f"broker ended with code {broker.wait()}"
        while not ending.is_set():
            lived_s = time.monotonic() - began
            deaths = 0 if lived_s >= restart.settled_after_s else deaths + 1
            click.echo(f"{told}; it is started again", err=True)
            ending.wait(restart.delay_s(deaths, lived_s))
            try:
                if (found := broker.start()) != address:
                    address = found
                    click.echo(f"the broker is at {address} now; all parts begin anew", err=True)
                    parts.terminate()
                break
            except BrokerStartFailed as fault:
                told = str(fault)
