"""Tasks that block a page's main thread, in processor time."""

from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from playwright.sync_api import Browser, Page


@contextmanager
def main_thread_tasks(browser: Browser, page: Page) -> Iterator[list[float]]:
    """Yield a list that holds, at the end, the processor time (ms) of each main-thread task of the page.

    Processor time leaves out what other processes use on a busy machine.
    """
    tasks: list[float] = []
    browser.start_tracing(page=page, categories=["toplevel"])
    try:
        yield tasks
        page.wait_for_timeout(100)  # a task is noted as it ends
    finally:
        tasks += _tasks_ms(browser.stop_tracing())


def _tasks_ms(trace: bytes) -> list[float]:
    events = orjson.loads(trace)["traceEvents"]
    main = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    return [
        event.get("tdur", event.get("dur", 0)) / 1000  # one that the trace's end cut off has neither
        for event in events
        if event.get("ph") == "X" and "RunTask" in event["name"] and (event["pid"], event["tid"]) in main
    ]
