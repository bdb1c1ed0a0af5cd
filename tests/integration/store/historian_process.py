"""A historian in a process of its own, so that a test can bound its disk."""

from __future__ import annotations

import resource
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

from ioc.settings import VIETNAM
from ioc.store import Historian, Store


def run_historian(folder: Path, bootstrap: str, file_bytes: int, line: Connection) -> None:
    """Run a historian whose files cannot grow beyond `file_bytes` until the limit is raised.

    Sends each new state over the connection as (condition, error); ends when any message arrives.
    """
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, resource.RLIM_INFINITY))
    store = Store.open(folder / "ioc.duckdb", folder / "archive", zone=VIETNAM)
    historian = Historian(store, bootstrap, {}, lambda _: None)
    historian.start()
    shown = None
    while not line.poll():
        state = historian.state()
        if state != shown:
            line.send((str(state.condition), state.error))
            shown = state
        time.sleep(0.05)
    historian.stop()
    store.close()
