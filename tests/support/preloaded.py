"""Processes of tests that begin at once, to be killed: forked from one that has all modules loaded, but no thread and
no store. A start from nothing costs one to two seconds of a core, and tests of kills start dozens.

What a process runs is a function at the top of a module of `_LOADED`, with arguments that can be pickled. It has the
repository as its working directory and the environment of the test process.
"""

import multiprocessing

_LOADED = [
    "tests.integration.alerts.command",
    "tests.integration.alerts.ticking",
    "tests.integration.connectors.mqtt_server",
    "tests.support.run_sources",
    "tests.integration.store.historian_process",
    "tests.integration.store.snapshot_taker",
    "tests.integration.store.writer",
]
FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(_LOADED)
