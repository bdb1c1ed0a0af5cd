"""What a process writes into a store that a test kills or starves of disk.

Tick k holds, in one transaction: 40 readings in 20 panes, 6 keyed readings of which many correct earlier ones, a
version of some cases, and next_offset k + 1. It tells the number of each commit. Housekeeping runs beside it.
"""

from __future__ import annotations

import resource
import signal
import sys
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from ioc.clock import FixedClock
from ioc.errors import StoreUnavailable
from ioc.settings import VIETNAM
from ioc.store import Maintenance, Store, transaction
from ioc.store.commit_tick import HistorianTick, write_tick
from ioc.store.exactly_once import Output
from ioc.store.source_offsets import read_positions
from ioc.topics import CASES, READINGS
from ioc.wire.headers import OutputHeaders
from tests.support.store_batches import NOW, Reading, case, case_versions, keyed_batch, panes_batch

BEGIN_MS = round(NOW.timestamp() * 1000)
READINGS_A_TICK = 40
CASES_A_TICK = 5


def readings_of(number: int) -> list[Reading]:
    return [
        Reading(
            "air.pm25", f"u{k % 10}", None, BEGIN_MS + number % 7 * 60_000 + k % 2 * 60_000 + number, float(number + k)
        )
        for k in range(READINGS_A_TICK)
    ]


def keyed_of(number: int) -> list[Reading]:
    """Of 15 keys in all; the second time in a tick that a key comes it has another value."""
    return [
        Reading("t.statistics", f"u{(number + k) % 15 % 4}", f"S-{(number + k) % 15}", BEGIN_MS, float(number % 3 + k))
        for k in (0, 3, 7, 9, 0, 20)
    ]


def tick(number: int) -> HistorianTick:
    tick = HistorianTick(applied={(READINGS, 0): number + 1})
    single = keyed_batch(keyed_of(number))
    head = OutputHeaders(READINGS, 0, number, "k", 1, number, 6, 6, 0, {}, BEGIN_MS, keyed=True)
    tick.apply(Output(head, single, number))
    rows = panes_batch(readings_of(number))
    head = OutputHeaders(READINGS, 0, number, "s", 1, number, READINGS_A_TICK, READINGS_A_TICK, 0, {}, BEGIN_MS)
    tick.apply(Output(head, rows, number))
    versions = case_versions(*(case((number + k) % 50, number) for k in range(CASES_A_TICK)))
    head = OutputHeaders(CASES, 0, number, "c", 1, number, CASES_A_TICK, CASES_A_TICK, 0, {}, BEGIN_MS)
    tick.apply(Output(head, versions, number))
    return tick


def write_ticks(folder: Path, ticks: int, file_bytes: int | None, told: Connection) -> None:
    """Write ticks and send the number of each commit.

    With `file_bytes`, no file may grow beyond it: the process sends the fault and exits with code 3.
    """
    if file_bytes is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    try:
        _write(Store.open(folder / "ioc.duckdb", folder / "archive", zone=VIETNAM), ticks, told)
    except StoreUnavailable as fault:
        told.send(str(fault))
        sys.exit(3)


def _write(store: Store, ticks: int, told: Connection) -> None:
    clock = FixedClock(NOW)
    maintenance = Maintenance(store, clock=clock)
    with store.cursor() as cursor:
        cursor.execute("SET checkpoint_threshold = '256KB'")  # a kill shall meet checkpoints too
        positions = read_positions(cursor)
        for number in range(positions.applied.get((READINGS, 0), 0), ticks):
            with transaction(cursor, store.path):
                write_tick(cursor, store.codes, tick(number), number + 1, NOW, store.zone_hours)
            store.codes.keep()
            told.send(number)
            if number % 5 == 0:
                clock.moment += timedelta(minutes=2)  # so that each step of housekeeping is due
                maintenance.step()
    store.close()
