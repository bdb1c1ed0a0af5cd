"""A historian in a process of its own, so that a test can bound its disk. Arguments: store path, archive directory,
bootstrap. Prints each new state; ends when its standard input is closed."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from ioc.settings import VIETNAM
from ioc.store import Historian, Store


def main(path: Path, archive_dir: Path, bootstrap: str) -> None:
    store = Store.open(path, archive_dir, zone=VIETNAM)
    historian = Historian(store, bootstrap, {}, lambda _: None)
    historian.start()
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    shown = None
    while not ended.is_set():
        state = historian.state()
        if state != shown:
            print(state.condition, state.error, flush=True)
            shown = state
        time.sleep(0.05)
    historian.stop()
    store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
