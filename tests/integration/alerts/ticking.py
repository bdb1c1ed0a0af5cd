"""A service that ticks through made-up values and sends its outbox, as a process that can be killed at any moment."""

import pickle
import time
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from unittest.mock import patch

import numpy as np

from ioc.alert_service import service as service_module
from ioc.alert_service.definitions import AlertDefinitions, AlertServiceConfig
from ioc.alert_service.service import AlertService
from ioc.alerts.inputs import DataState, Inputs, Values
from ioc.clock import FixedClock, SystemClock, from_ms
from ioc.server import outbox_sender as sending
from ioc.server.outbox_sender import OutboxSender
from ioc.settings import VIETNAM
from ioc.store import Store

START_MS = 1_795_392_000_000
KPIS = ("air.pm25_mean_24h", "air.pm25_max_1h")
STANDING = 30
"""Ticks at the end in which no value moves, so that everything is sent."""


def inputs(number: int, units: tuple[str, ...], changing: int) -> Inputs:
    """The same for the same number: half of the values stand on the other side than at the tick before, up to the
    tick `changing`."""
    kpis = {}
    for place, kpi in enumerate(KPIS):
        steps = np.arange(len(units)) * 7 + place * 3 + min(number, changing)
        value = np.where(steps // 2 % 2 == 0, 100.0, 1.0)
        kpis[kpi] = Values(
            units, value, np.full(len(units), 100, np.int64), np.full(len(units), DataState.LIVE, np.int8)
        )
    return Inputs(START_MS + number * 1000, kpis)


def open_service(folder: Path, in_force: AlertDefinitions) -> tuple[Store, AlertService, FixedClock]:
    """Open a service with definitions that whoever started this process has read once for all its lives."""
    clock = FixedClock(from_ms(START_MS))
    store = Store.open(folder / "ioc.duckdb", folder / "archive", zone=VIETNAM)
    config = AlertServiceConfig(None, folder / "channels.toml", VIETNAM, "")
    with patch.object(service_module, "last_good_definitions", lambda *_: in_force):
        return store, AlertService(store, in_force.catalog, config, clock), clock


def tick_on(service: AlertService, clock: FixedClock, changing: int, pause_s: float = 0) -> None:
    """From where the store stands. A tick without transitions is not written, and comes again."""
    first = max((service.state.engine.now_ms - START_MS) // 1000 + 1, 1)
    units = service.state.arrays.units
    for number in range(first, changing + STANDING + 1):
        told = inputs(number, units, changing)
        clock.moment = from_ms(told.now_ms)
        service.tick(told)
        time.sleep(pause_s)


def live(folder: Path, changing: int, ticking: Connection) -> None:
    """One life, a process of its own: it says when it ticks, and ends once all is sent."""
    sending.IDLE_S = 0.02  # half of all tries fail: their waits would be most of the test
    store, service, clock = open_service(folder, pickle.loads((folder / "in_force.pickle").read_bytes()))
    deliveries = OutboxSender(
        service.store, lambda: service.in_force.channels, SystemClock(), first_back_off=timedelta(milliseconds=20)
    )
    service.on_change = lambda change: deliveries.add(change.notifications)
    deliveries.start()
    ticking.send(True)
    tick_on(service, clock, changing, 0.01)
    while deliveries.waiting:
        time.sleep(0.05)
    deliveries.stop()
    store.close()
