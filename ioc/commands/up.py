"""`ioc up`: run a whole centre on one machine until Ctrl-C."""

import fcntl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click

from ioc.broker import BrokerStartFailed, EmbeddedBroker
from ioc.errors import ConfigurationInvalid
from ioc.http_listener import await_free_port
from ioc.messages import Message
from ioc.periodic_thread import PeriodicThread, StepPolicy
from ioc.settings import Settings
from ioc.supervisor.child_processes import CommandProcess, RestartPolicy, StopFlag, keep_running, stop_all
from ioc.supervisor.launch_settings import CANNOT_START, ENVIRONMENT
from ioc.terminal import say

STOP_PATIENCE_S = 40.0
PORT_PATIENCE_S = 5.0
"""How long a server that was killed may still hold its port."""


@click.command()
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 16), help="number of stream workers")
@click.option("--demo/--no-demo", default=True, show_default=True, help="simulate the demonstration province")
@click.option(
    "--broker-password/--no-broker-password",
    default=None,
    help="require Kafka's clients to log in (default: yes, except in the demonstration)",
)
def command(workers: int, demo: bool, broker_password: bool | None) -> None:
    """Run broker, workers, connectors, server and lab; each part that dies is restarted."""
    settings = Settings.from_environment()
    settings.create_data_dir()
    with only_one(settings.data_dir / "up.lock"):
        await_free_port(settings.http_host, settings.http_port, PORT_PATIENCE_S)
        with_password = not demo if broker_password is None else broker_password
        _run(settings, workers, demo, settings.kafka_password() if with_password else settings.without_kafka_password())


def _run(settings: Settings, workers: int, demo: bool, password: str) -> None:
    ending = StopFlag.on_signals()
    broker = None if settings.kafka else EmbeddedBroker(settings.data_dir, password=password)
    launcher = CommandProcess(
        [sys.executable, "-m", "ioc.supervisor", str(workers)],
        {**ENVIRONMENT, "IOC_DATA_DIR": str(settings.data_dir), "IOC_DEMO": "1" if demo else "0"},
    )
    launcher.start()  # it imports while the broker starts
    try:
        if broker is not None:
            step = partial(_keep_broker_running, broker, broker.start(), launcher, ending)
            PeriodicThread("broker", step, 0.0, policy=StepPolicy(stuck_after_s=None)).start()
        launcher.let_begin()
        keep_running([launcher], ending, _report)
    finally:
        ending.set()
        stop_all([launcher], STOP_PATIENCE_S)
        if broker is not None:
            broker.stop()


def _report(launcher: CommandProcess, code: int) -> None:
    """Report that all parts have ended; exit when they could not even start."""
    if launcher.deaths <= 1 and code == CANNOT_START:
        sys.exit(CANNOT_START)
    say(Message("parts_ended", code=code), err=True)


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`; the kernel releases it when the process ends. Raises ConfigurationInvalid."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationInvalid(Message("centre_runs_already", folder=path.parent)) from None
        yield


def _keep_broker_running(broker: EmbeddedBroker, address: str, launcher: CommandProcess, ending: StopFlag) -> None:
    """Restart the broker whenever it ends, also while it is starting.

    When another program has taken its port meanwhile, all parts restart too, since they would keep using the old one.
    """
    restart, deaths = RestartPolicy(first_s=0.05), 0
    while not ending.is_set():
        began = time.monotonic()
        reason = Message("broker_ended", code=broker.wait())
        while not ending.is_set():
            lived_s = time.monotonic() - began
            deaths = 0 if lived_s >= restart.settled_after_s else deaths + 1
            say(Message("is_restarted", reason=reason), err=True)
            ending.wait(restart.delay_s(deaths, lived_s))
            try:
                if (present := broker.start()) != address:
                    address = present
                    say(Message("broker_moved", address=address), err=True)
                    launcher.terminate()
                break
            except BrokerStartFailed as fault:
                reason = fault.message
