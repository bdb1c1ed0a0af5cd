"""Typical questions over one year and 168 units: the lab's confined process beside PostgreSQL, on the same rows."""

import asyncio
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import psutil

from ioc.clock import SystemClock
from ioc.lab.publishing.publish import Publication, publish
from ioc.lab.query import State
from ioc.lab.sql_service import SqlService
from ioc.settings import Settings
from ioc.store.snapshot import take
from tests.bench.postgres import in_postgres
from tests.bench.report import Table, percentile
from tests.bench.typical import (
    CASES_A_DAY,
    DAY_MEASURES,
    DAYS,
    HOUR_MEASURES,
    OF_DAYS_AND_CASES,
    OF_HOURS,
    UNITS,
    filled,
)

ROUNDS = 5
Milliseconds = Mapping[str, list[float]]


def run() -> None:
    with tempfile.TemporaryDirectory(prefix="ioc-bench-") as folder:
        settings = Settings(data_dir=Path(folder) / "centre")
        published = _prepare(settings)
        questions = {**OF_DAYS_AND_CASES, **OF_HOURS}
        lab = asyncio.run(_in_the_lab(settings, questions))
        other = in_postgres(Path(folder) / "postgres", published, questions, ROUNDS)
    days, hours, cases = UNITS * DAY_MEASURES * DAYS, UNITS * HOUR_MEASURES * DAYS * 24, UNITS * DAYS * CASES_A_DAY
    ten = f"Ten questions over {DAYS} days x {UNITS} units ({days:,} day rows, {cases:,} cases; goals 50 ms, 20 times)"
    _print(ten, OF_DAYS_AND_CASES, lab, other)
    _print(f"Questions over the hours of that year ({hours:,} hour rows)", OF_HOURS, lab, other)
    if not other:
        print("  PostgreSQL is not installed here (Debian's package postgresql); there is nothing to compare with.")


def _print(title: str, questions: Mapping[str, str], lab: Milliseconds, other: Milliseconds) -> None:
    table = Table(f"{title}, ms, median of {ROUNDS}", ("question", "lab", "PostgreSQL", "times"))
    for name in questions:
        mine = percentile(lab[name], 0.5)
        theirs = percentile(other.get(name, []), 0.5)
        table.add(name, f"{mine:.1f}", f"{theirs:.1f}", f"{theirs / mine:.1f}")
    of_lab, of_other = ([ms for name in questions for ms in found.get(name, [])] for found in (lab, other))
    for share in (0.5, 0.95):
        mine, theirs = percentile(of_lab, share), percentile(of_other, share)
        table.add(f"p{share * 100:.0f} of all", f"{mine:.1f}", f"{theirs:.1f}", f"{theirs / mine:.1f}")
    table.print()


def _prepare(settings: Settings) -> Publication:
    """A store with a year, its snapshot, its publication; what each of these took."""
    store = filled(settings)
    began_s = time.perf_counter()
    snapshot = take(store, settings.snapshots_dir, datetime.now(UTC))
    took_s = time.perf_counter() - began_s
    store.close()
    began_s = time.perf_counter()
    published = publish(snapshot, settings)
    anew_s, began_s = time.perf_counter() - began_s, time.perf_counter()
    publish(snapshot, settings)
    again_s = time.perf_counter() - began_s
    table = Table("From the store to analysts", ("step", "seconds", "MB"))
    table.add("snapshot", f"{took_s:.2f}", f"{snapshot.size_bytes / 1e6:.0f}")
    table.add("publication anew (once a day)", f"{anew_s:.2f}", f"{published.size_bytes / 1e6:.0f}")
    table.add("publication of what changed", f"{again_s:.2f}", "")
    table.print()
    return published


async def _in_the_lab(settings: Settings, questions: Mapping[str, str]) -> dict[str, list[float]]:
    """Milliseconds from asking to the whole result on the disk, by question."""
    asking = SqlService.of(settings, SystemClock())
    asking.queries.start()
    found: dict[str, list[float]] = {name: [] for name in questions}
    try:
        for number in range(ROUNDS + 1):
            for name, sql in questions.items():
                began_s = time.perf_counter()
                query = asking.queries.submit("bench", sql, {}, rows=100_000)
                await query.ended.wait()
                assert query.state is State.DONE, query.error
                if number:  # the first round opens the file
                    found[name].append((time.perf_counter() - began_s) * 1000)
        held = [psutil.Process(pid).memory_info().rss / 1e6 for pid in asking.queries.processes()]
        print(f"\n  Memory of the confined processes: {', '.join(f'{mb:.0f} MB' for mb in held)}")
    finally:
        await asking.close()
    return found


if __name__ == "__main__":
    run()
