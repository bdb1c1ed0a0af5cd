"""The wall while analysts hammer the lab: an event's way to a websocket client without them, and beside them."""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import cycle
from pathlib import Path

import httpx

from ioc.model.person import Role
from ioc.people import People
from ioc.settings import Settings
from tests.bench.latency import PROVINCE, measure, write_watched
from tests.bench.report import Table, percentile
from tests.lab_escapes import ESCAPES
from tests.running import RunningCentre, running_centre, wait_for

RATE = 10_000
ANALYSTS = 4
# Each is a way to take more than one's share: processor, memory, disk, and what the server must pass on.
HEAVY = (
    "SELECT count(*) FROM range(3000000000) a, range(100) b WHERE a.range % 7 = b.range",
    "SELECT list(range) FROM range(200000000)",
    "SELECT range, repeat('x', 200) FROM range(1000000)",
    "SELECT a.range FROM range(30000000) a ORDER BY hash(a.range)",
)


def run(seconds: float) -> None:
    with tempfile.TemporaryDirectory(prefix="ioc-bench-") as root:
        directory = Path(root)
        write_watched(directory / "catalog")
        environment = {"IOC_PROVINCE": PROVINCE, "IOC_CATALOG_DIR": str(directory / "catalog")}
        with running_centre(
            directory / "centre", environment=environment, arguments=("--no-demo", "--workers", "1")
        ) as centre:
            _lab_is_there(centre)
            rounds = {"nobody asks": measure(centre, directory, seconds, RATE)}
            with _hammering(centre) as answers:
                rounds[f"{ANALYSTS} analysts hammer"] = measure(centre, directory, seconds, RATE)
    table = Table(f"Event to websocket client at {RATE:,} readings a second, {seconds:.0f} s", ("", "p50 ms", "p99 ms"))
    for name, delays_ms in rounds.items():
        table.add(name, *(f"{percentile(delays_ms, share):.0f}" for share in (0.5, 0.99)))
    quiet, hammered = (percentile(delays_ms, 0.99) for delays_ms in rounds.values())
    table.add("p99, times (goal 1.2)", "", f"{hammered / quiet:.2f}")
    table.print()
    print(f"  {len(answers)} queries answered meanwhile, with {sorted(set(answers))}")


def _lab_is_there(centre: RunningCentre) -> None:
    headers = {"Authorization": f"Bearer {centre.admin_token()}"}
    httpx.post(f"{centre.address}/api/v1/lab/snapshot", headers=headers, timeout=60)
    wait_for(
        "the lab's snapshot",
        lambda: httpx.get(f"{centre.address}/api/v1/lab", headers=headers, timeout=10).json().get("snapshot"),
        120,
    )


@contextmanager
def _hammering(centre: RunningCentre) -> Iterator[list[int]]:
    """Each analyst asks one heavy query after the other, and tries to get out between them; gives the statuses."""
    people = People.open(Settings.from_environment({"IOC_DATA_DIR": str(centre.data_dir)}).people_path)
    ending, answers = threading.Event(), list[int]()

    def ask(token: str, first: int) -> None:
        tries = [escape.sql for escape in ESCAPES if escape.expects == "refused"]
        asked = cycle(sql for place in range(len(tries)) for sql in (HEAVY[(place + first) % len(HEAVY)], tries[place]))
        while not ending.is_set():
            response = httpx.post(
                f"{centre.address}/api/v1/sql",
                json={"sql": next(asked)},
                headers={"Authorization": f"Bearer {token}"},
                timeout=120,
            )
            answers.append(response.status_code)

    threads = []
    for number in range(ANALYSTS):
        people.accounts.add(f"analyst{number}", f"Analyst {number}", Role.ANALYST, "a long enough password")
        token, _ = people.tokens.make(f"analyst{number}", timedelta(days=1))
        threads.append(threading.Thread(target=ask, args=(token, number)))
    for thread in threads:
        thread.start()
    yield answers
    ending.set()
    for thread in threads:
        thread.join()
