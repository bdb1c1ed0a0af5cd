"""Run `ioc streams`: the requested number of worker processes, each restarted when it dies."""

import fcntl
import gc
import os
import time
from functools import partial
from pathlib import Path
from typing import IO

from ioc.errors import ConfigurationInvalid
from ioc.settings import Settings
from ioc.supervisor.child_processes import RestartPolicy, StopFlag, keep_running, stop_all
from ioc.supervisor.forked_process import ForkedProcess
from streams.vocabulary import VocabularyFile

STOP_PATIENCE_S = 4.0
_CHECK_EVERY_S = 1.0
_NO_THREADS = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
_RESTART = RestartPolicy(first_s=0.05, max_s=5.0, settled_after_s=10.0)


def run(settings: Settings, workers: int) -> None:
    """Keep `workers` processes answering until SIGTERM or SIGINT; then all have ended within 5 seconds.

    Raises ConfigurationInvalid when the catalogue has faults at the start; later ones change nothing and are printed.
    Several pools may share a data directory: each worker claims an index of its own in it.
    """
    ending = StopFlag.on_signals()
    directory = settings.data_dir / "streams"
    directory.mkdir(parents=True, exist_ok=True)
    vocabulary = VocabularyFile(settings)
    vocabulary.refresh()
    claims = [_claim_index(directory) for _ in range(workers)]
    forked = [_worker(settings, directory, index) for index, _ in claims]
    refreshed_s = time.monotonic()

    def refresh() -> None:
        nonlocal refreshed_s
        if time.monotonic() - refreshed_s > _CHECK_EVERY_S:
            refreshed_s = time.monotonic()
            _refresh(vocabulary)

    try:
        keep_running(forked, ending, _report, refresh)
    finally:
        stop_all(forked, STOP_PATIENCE_S)
        for index, lock in claims:
            (directory / f"worker-{index}.metrics").unlink(missing_ok=True)
            lock.close()


def _worker(settings: Settings, directory: Path, index: int) -> ForkedProcess:
    for name, value in _NO_THREADS.items():  # read as numpy and pyarrow are imported
        os.environ.setdefault(name, value)
    from streams.worker import run_worker

    gc.freeze()  # what is imported stays in pages that all workers share
    work = partial(run_worker, settings, index)
    return ForkedProcess(f"ioc worker {index}", work, directory / f"worker-{index}.log", restart=_RESTART)


def _report(worker: ForkedProcess, code: int) -> None:
    print(f"{worker.name} ended with code {code}; it is restarted (log: {worker.log})", flush=True)


def _refresh(vocabulary: VocabularyFile) -> None:
    try:
        vocabulary.refresh()
    except ConfigurationInvalid as fault:
        print(f"The changed catalogue is not used: {fault}", flush=True)


def _claim_index(directory: Path) -> tuple[int, IO[str]]:
    """Return the first index that no other process claims, and the lock file, which holds the claim until closed."""
    index = 0
    while True:
        lock = (directory / f"worker-{index}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            index += 1
        else:
            return index, lock
