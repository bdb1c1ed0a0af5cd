"""KPI evaluation over 168 communes and 60 measures with a day's panes (14.5 million), and histories of a day.

    .venv/bin/python -m tests.bench.bench_evaluation [--kpis 60] [--only catalogue]

Then the whole shipped catalogue with data for all its measures and case types, evaluated in pieces as the pulse does.
Times are of one evaluation, wall and processor, median of several, and the processor time of the longest piece of all;
the stores are filled directly, which takes 15 s and a minute.
"""

import argparse
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import numpy as np

from ioc.catalog import Catalog, load
from ioc.evaluation import Changes, Evaluator
from ioc.settings import VIETNAM
from ioc.store import Store
from tests.bench.report import Table
from tests.bench.whole_catalogue import fill

PROVINCE = "79"  # 168 communes
MEASURES = 60
NOW = datetime(2026, 11, 22, 16, 0, 30, tzinfo=UTC)
ASKED = (
    ("today", "sum"), ("24h", "mean"), ("1h", "max"), ("15m", "rate"), ("month", "sum"),
    ("5m", "mean"), ("today", "mean"), ("1h", "min"), ("24h", "stddev"), ("today", "count"),
)  # fmt: skip
_LEVELS = (
    "SELECT measure, unit, 0, {time}, sum(n), sum(sum), sum(sum_squares), min(least), max(most), min(first_at), 1, "
    "max(last_at), 99 FROM {source} GROUP BY measure, unit, {time}"
)


def definitions(folder: Path, kpis: int) -> Catalog:
    """Return a catalogue of the benchmark's own measures and KPIs."""
    text = '[sector]\nid = "bench"\nname = { vi = "b", en = "b" }\n'
    common = 'name = { vi = "b", en = "b" }\nunit_of_measure = "x"\n'
    for number in range(MEASURES):
        text += f'[[measure]]\nid = "bench.m{number:02}"\n{common}kind = "delta"\n'
    for number in range(kpis):
        window, take = ASKED[number % len(ASKED)]
        per = ', per = "1m"' if take == "rate" else ""
        text += f'[[kpi]]\nid = "bench.k{number:03}"\n{common}basis = "b"\nwindow = "{window}"\nfresh_within = "10m"\n'
        text += f'aggregate = {{ measure = "bench.m{number * 7 % MEASURES:02}", take = "{take}"{per} }}\n'
    (folder / "bench.toml").write_text(text)
    catalog = load(PROVINCE, folder)
    return replace(catalog, kpis={kpi: definition for kpi, definition in catalog.kpis.items() if "bench" in kpi})


class Bench:
    def __init__(self, folder: Path, kpis: int) -> None:
        self.store = Store.open(folder / "bench.duckdb", folder / "archive", zone=VIETNAM)
        catalog = definitions(folder, kpis)
        self.units = list(catalog.vocabulary.units)
        self.measures = [f"bench.m{number:02}" for number in range(MEASURES)]
        self.now = NOW
        self.cursor = self.store.cursor()
        self._fill()
        self.evaluator = Evaluator(catalog, self.store, VIETNAM)

    def _fill(self) -> None:
        for kind, words in (("measure", self.measures), ("unit", self.units)):
            self.cursor.executemany(
                f"INSERT INTO {kind}_codes VALUES (?, ?)", [[n + 1, w] for n, w in enumerate(words)]
            )
        end = int(NOW.timestamp() // 60)
        self.cursor.execute(
            "INSERT INTO kept_minute_panes SELECT m, u, 0, minute, 100, 5000 + random() * 100, 260000, 1, 99, "
            "minute * 60000::BIGINT, 1, minute * 60000::BIGINT + 59000, 99 "
            f"FROM range({end - 1440}, {end}) a(minute), range(1, {MEASURES + 1}) b(m), "
            f"range(2, {len(self.units) + 1}) c(u) ORDER BY minute"
        )
        for level, source, time in (("hour", "kept_minute", "minute // 60"), ("day", "kept_hour", "(hour + 7) // 24")):
            self.cursor.execute(
                f"INSERT INTO kept_{level}_panes " + _LEVELS.format(time=time, source=f"{source}_panes")
            )
        self.cursor.execute("CHECKPOINT")

    def commit(self, units: int, measures: int, late: int = 0) -> Changes:
        """One tick of panes into the running minute, or `late` minutes before it."""
        minute = int(self.now.timestamp() // 60) - late
        rows = {
            "measure": np.tile(np.arange(1, measures + 1, dtype=np.int16), units),
            "unit": np.repeat(np.arange(2, units + 2, dtype=np.int16), measures),
        }
        self.cursor.execute(
            f"INSERT INTO recent_panes SELECT measure, unit, 0, {minute}, 10, 500 + random(), 26000, 1, 99, "
            f"{minute * 60_000}, 1, {minute * 60_000 + 30_000}, 99 FROM rows"
        )
        assert len(rows["unit"]) == units * measures
        return Changes(dict.fromkeys(self.measures[:measures], minute), frozenset(self.units[1 : units + 1]))

    def times(self, told: Callable[[], Changes], step: timedelta, rounds: int) -> tuple[float, float, int]:
        """Median wall and processor milliseconds of an evaluation, and how many values changed."""
        wall, processor, changed = [], [], 0
        for _ in range(rounds):
            changes = told()
            began, used = perf_counter(), process_time()
            changed = len(self.evaluator.evaluate(changes, self.now))
            wall.append((perf_counter() - began) * 1000)
            processor.append((process_time() - used) * 1000)
            self.now += step
        return median(wall), median(processor), changed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kpis", type=int, default=60)
    parser.add_argument("--only", choices=("catalogue",))
    asked = parser.parse_args()
    if asked.only is None:
        invented(asked)
    shipped()


def shipped() -> None:
    """The goals: everything within a second, a tick of 5 % within 150 ms."""
    folder = Path(tempfile.mkdtemp())
    catalog = load(PROVINCE)
    store = Store.open(folder / "bench.duckdb", folder / "archive", zone=VIETNAM)
    panes = fill(store, catalog, NOW)
    evaluator, cursor = Evaluator(catalog, store, VIETNAM), store.cursor()
    units, measures = list(catalog.vocabulary.units), list(catalog.vocabulary.measures)
    case_types = list(catalog.vocabulary.case_types)
    minute = int(NOW.timestamp() // 60)

    def commit(some_units: int, some_measures: int, types: list[str]) -> Changes:
        cursor.execute(
            f"INSERT INTO recent_panes SELECT m, u, 0, {minute}, 10, 500 + random(), 26000, 1, 99, {minute * 60_000}, "
            f"1, {minute * 60_000 + 30_000}, 99 "
            f"FROM range(1, {some_measures + 1}) a(m), range(1, {some_units + 1}) b(u)"
        )
        return Changes(dict.fromkeys(measures[:some_measures], minute), frozenset(units[:some_units]), frozenset(types))

    title = f"{len(catalog.kpis)} shipped KPIs x {len(units)} units, {panes:,} panes"
    table = Table(title, ("tick", "wall ms", "cpu ms", "longest piece", "changed"))
    for name, told, moments in (
        ("first, everything read", Changes, [0.0]),
        ("all units, measures and cases", lambda: commit(len(units), len(measures), case_types), [1.0, 2.0, 3.0]),
        (
            "5 % of units, all measures and cases",
            lambda: commit(len(units) // 20, len(measures), case_types),
            [3.3, 3.6, 3.9],
        ),
        (
            "5 % of measures, one case type",
            lambda: commit(len(units), len(measures) // 20, case_types[:1]),
            [4.2, 4.5, 4.8],
        ),
        ("nothing", Changes, [4.85, 4.9]),
        ("turn of the minute", Changes, [60.0, 120.0, 180.0]),
    ):
        wall, processor, longest, changed = [], [], 0.0, 0
        for moment in moments:
            changes, now = told(), NOW + timedelta(seconds=moment)
            began, used = perf_counter(), process_time()
            changed, piece = len(evaluator.step(changes, now)), process_time()
            longest = max(longest, (piece - used) * 1000)
            while evaluator.is_due(now):
                changed += len(evaluator.step(Changes(), now))
                longest, piece = max(longest, (process_time() - piece) * 1000), process_time()
            wall.append((perf_counter() - began) * 1000)
            processor.append((process_time() - used) * 1000)
        table.add(name, f"{median(wall):.0f}", f"{median(processor):.0f}", f"{longest:.0f}", str(changed))
    table.print()
    store.close()
    shutil.rmtree(folder)


def invented(asked: argparse.Namespace) -> None:
    folder = Path(tempfile.mkdtemp())
    bench = Bench(folder, asked.kpis)
    everyone = len(bench.units) - 1
    second, minute = timedelta(seconds=1), timedelta(minutes=1)
    table = Table(f"{asked.kpis} KPIs x {len(bench.units)} units", ("tick", "wall ms", "cpu ms", "changed"))
    for name, told, step, rounds in (
        ("first, everything read", Changes, second, 1),
        ("all units, all measures", lambda: bench.commit(everyone, MEASURES), second, 9),
        ("5 % of units", lambda: bench.commit(everyone // 20, MEASURES), second, 9),
        ("5 % of measures", lambda: bench.commit(everyone, MEASURES // 20), second, 5),
        ("nothing", Changes, second, 5),
        ("all, at each turn of the minute", lambda: bench.commit(everyone, MEASURES), minute, 5),
        ("5 % of measures, 30 min late", lambda: bench.commit(everyone, MEASURES // 20, late=30), second, 5),
    ):
        wall, processor, changed = bench.times(told, step, rounds)
        table.add(name, f"{wall:.0f}", f"{processor:.0f}", str(changed))
    table.print()
    table = Table("A day by half hours", ("KPI", "wall ms, province", "wall ms, commune"))
    for number in range(4):
        cells = []
        for unit in (bench.units[0], bench.units[1]):
            began = perf_counter()
            bench.evaluator.history(
                f"bench.k{number:03}", unit, bench.now - timedelta(days=1), bench.now, timedelta(minutes=30)
            )
            cells.append(f"{(perf_counter() - began) * 1000:.0f}")
        table.add(" ".join(ASKED[number]), *cells)
    table.print()
    bench.store.close()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
