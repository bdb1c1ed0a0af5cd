"""The wall while analysts hammer the lab: an event's way to a websocket client without them, and beside them.

Stretches without and with analysts take turns, each a minute from the same second on, so that in each of them falls one
turn of the minute, which is what the centre itself is busiest with."""

import asyncio
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import cycle
from pathlib import Path

import httpx
import psutil

from ioc.model.person import Role
from ioc.people import People
from ioc.settings import Settings
from tests.bench.latency import measure, watched_centre
from tests.bench.report import Table, percentile
from tests.support.analyst import Analyst, Failed
from tests.support.lab_escapes import ESCAPES
from tests.support.running_centre import RunningCentre, wait_for

RATE = 10_000
BY_API = 4
PAIRS = 2
STARTS_AT_S = 30
"""Second of the minute; the stretch then lasts over the next turn."""
# Each is a way to take more than one's share: processor, memory, disk, and what the server must pass on.
HEAVY = (
    "SELECT count(*) FROM range(3000000000) a, range(100) b WHERE a.range % 7 = b.range",
    "SELECT list(range) FROM range(200000000)",
    "SELECT range, repeat('x', 200) FROM range(1000000)",
    "SELECT a.range FROM range(30000000) a ORDER BY hash(a.range)",
)
OUT = tuple(escape.sql for escape in ESCAPES if escape.expects == "refused")


def run(seconds: float) -> None:
    """`seconds` of each stretch in which events are measured; less than 50, so that one begins each minute."""
    rounds: list[tuple[str, list[float]]] = []
    hammered = Hammered()
    with tempfile.TemporaryDirectory(prefix="ioc-bench-") as root:
        directory = Path(root)
        with watched_centre(directory) as centre:
            _lab_is_there(centre)
            analysts = _Analysts(centre)
            for _ in range(PAIRS):
                _until_second(STARTS_AT_S)
                rounds.append(("calm", measure(centre, directory, seconds, RATE)))
                _until_second(STARTS_AT_S)
                with analysts.hammering(hammered):
                    rounds.append(("hammered", measure(centre, directory, seconds, RATE)))
    _print(rounds, hammered, seconds)


def _print(rounds: list[tuple[str, list[float]]], hammered: "Hammered", seconds: float) -> None:
    table = Table(
        f"Event to websocket client at {RATE:,} readings a second, stretches of {seconds:.0f} s in turn",
        ("", "events", "p50 ms", "p99 ms", "most ms"),
    )

    def add(name: str, delays_ms: list[float]) -> tuple[float, float]:
        p50, p99 = (percentile(delays_ms, share) for share in (0.5, 0.99))
        table.add(name, f"{len(delays_ms)}", f"{p50:.0f}", f"{p99:.0f}", f"{max(delays_ms, default=float('nan')):.0f}")
        return p50, p99

    for number, (name, delays_ms) in enumerate(rounds):
        add(f"{number + 1} {name}", delays_ms)
    whole = {
        name: add(f"all {name}", [ms for one, delays_ms in rounds if one == name for ms in delays_ms])
        for name in ("calm", "hammered")
    }
    times = [beside / quiet for quiet, beside in zip(whole["calm"], whole["hammered"], strict=True)]
    table.add("times (p99: goal 1.2)", "", f"{times[0]:.2f}", f"{times[1]:.2f}", "")
    table.print()
    print(
        f"  Hammered by {BY_API} analysts through the API and one through Quack, each heavy query after a try to get "
        f"out: {hammered.told()}"
    )


def _until_second(second: int) -> None:
    time.sleep((second - time.time()) % 60)


def _lab_is_there(centre: RunningCentre) -> None:
    headers = {"Authorization": f"Bearer {centre.admin_token()}"}
    with suppress(httpx.TimeoutException):  # on a busy machine it comes later
        httpx.post(f"{centre.address}/api/v1/lab/snapshot", headers=headers, timeout=60)
    wait_for(
        "the lab's snapshot",
        lambda: httpx.get(f"{centre.address}/api/v1/lab", headers=headers, timeout=10).json().get("snapshot"),
        300,
    )


class Hammered:
    """The analysts' queries, their outcomes, and the processor time that their processes used."""

    def __init__(self) -> None:
        self.tries: Counter[str] = Counter()
        self.heavy: Counter[str] = Counter()
        self.processor_s = 0.0

    def told(self) -> str:
        def counts(of: Counter[str]) -> str:
            return ", ".join(f"{n} {name}" for name, n in sorted(of.items())) or "none"

        return (
            f"tries: {counts(self.tries)}; heavy queries: {counts(self.heavy)}; "
            f"their processes computed for {self.processor_s:.0f} s."
        )


class _Analysts:
    def __init__(self, centre: RunningCentre) -> None:
        people = People.open(Settings.from_environment({"IOC_DATA_DIR": str(centre.data_dir)}).people_path)
        self._centre = centre
        self._tokens = []
        for number in range(BY_API + 1):
            people.accounts.add(f"analyst{number}", f"Analyst {number}", Role.ANALYST, "a long enough password")
            self._tokens.append(people.tokens.make(f"analyst{number}", timedelta(days=1))[0])

    @contextmanager
    def hammering(self, hammered: Hammered) -> Iterator[None]:
        """They go away with the block, whatever they wait for."""
        *by_api, by_quack = self._tokens
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        asking = [
            asyncio.run_coroutine_threadsafe(_by_api(self._centre.address, token, number, hammered), loop)
            for number, token in enumerate(by_api)
        ]
        analyst = Analyst()
        address = (self._centre.data_dir / "quack.address").read_text().strip()
        other = threading.Thread(target=_by_quack, args=(analyst, address, by_quack, hammered))
        other.start()
        ending = threading.Event()
        watch = threading.Thread(target=_watch, args=(self._centre, ending, hammered))
        watch.start()
        try:
            yield
        finally:
            ending.set()
            watch.join()
            for one in asking:
                one.cancel()
            analyst.close()
            other.join()
            asyncio.run_coroutine_threadsafe(_all_ended(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


async def _all_ended() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)


async def _by_api(address: str, token: str, first: int, hammered: Hammered) -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=180) as client:
        for turn in cycle(range(len(OUT))):
            for counts, sql in (
                (hammered.tries, OUT[(turn + 29 * first) % len(OUT)]),
                (hammered.heavy, HEAVY[(turn + first) % len(HEAVY)]),
            ):
                status = (await client.post(f"{address}/api/v1/sql", json={"sql": sql})).status_code
                counts[{200: "answered", 422: "refused"}.get(status, f"ended with {status}")] += 1


def _by_quack(analyst: Analyst, address: str, token: str, hammered: Hammered) -> None:
    with suppress(ValueError, OSError):  # its process is ended from outside
        analyst.attach(address, token)
        for turn in cycle(range(len(OUT))):
            for counts, sql in ((hammered.tries, OUT[turn]), (hammered.heavy, HEAVY[turn % len(HEAVY)])):
                try:
                    analyst.ask(sql)
                    counts["answered by Quack"] += 1
                except Failed:
                    counts["refused by Quack"] += 1


def _watch(centre: RunningCentre, ending: threading.Event, hammered: Hammered) -> None:
    """Processes of queries come and go; what each had is what it was last seen with, less what it began with."""
    assert centre.process is not None
    first: dict[int, float] = {}
    last: dict[int, float] = {}
    while not ending.wait(1):
        for process in psutil.Process(centre.process.pid).children(recursive=True):
            with suppress(psutil.Error):
                if {"ioc.lab.sandbox.worker", "ioc.lab.quack.server_process"} & set(process.cmdline()):
                    times = process.cpu_times()
                    last[process.pid] = times.user + times.system
                    first.setdefault(process.pid, last[process.pid])
    hammered.processor_s += sum(last[pid] - first[pid] for pid in last)
