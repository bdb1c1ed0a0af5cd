"""After SIGKILL or a full disk at any moment the store is consistent and continues where it was."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from ioc.settings import VIETNAM
from ioc.store import Store
from ioc.store.audit import audit
from ioc.topics import READINGS
from tests.integration.store.writer import CASES_A_TICK, READINGS_A_TICK, keyed_of, readings_of, write_ticks
from tests.support.preloaded import FORKED


@contextmanager
def writing(folder: Path, ticks: int, file_bytes: int | None = None) -> Iterator[tuple[ForkServerProcess, Connection]]:
    """The process, and what it tells; it has ended afterwards."""
    heard, told = FORKED.Pipe(duplex=False)
    process = FORKED.Process(target=write_ticks, args=(folder, ticks, file_bytes, told), daemon=True)
    process.start()
    told.close()
    with heard:
        yield process, heard
        process.join(120)


def rest_of(heard: Connection) -> list[Any]:
    """All that is told until the process ends."""
    found = []
    while True:
        try:
            found.append(heard.recv())
        except EOFError:
            return found


def check(path: Path, ticks: int | None = None) -> int:
    """The store holds exactly the first so many ticks, each once; their number."""
    store = Store.open(path / "ioc.duckdb", path / "archive", zone=VIETNAM)
    with store.cursor() as cursor:
        assert audit(cursor) == []
        found = cursor.execute(f"SELECT next_offset FROM next_offsets WHERE topic = '{READINGS}'").fetchall()
        done = found[0][0] if found else 0
        held = cursor.execute(
            "SELECT u.id, minute, sum(n)::BIGINT, sum(sum), max(last_at) FROM minute_panes p "
            "JOIN unit_codes u ON u.code = p.unit WHERE measure = "
            "(SELECT code FROM measure_codes WHERE id = 'air.pm25') GROUP BY ALL"
        ).fetchall()
        corrected = cursor.execute(
            "SELECT s.id, sum(n)::BIGINT, sum(sum) FROM day_panes p JOIN subject_codes s ON s.code = p.subject "
            "JOIN measure_codes m ON m.code = p.measure WHERE m.id = 't.statistics' GROUP BY ALL"
        ).fetchall()
        versions = cursor.execute("SELECT count(*) FROM case_changes").fetchall()[0][0]
    store.close()
    expected: dict[tuple[str, int], list[float]] = {}
    for number in range(done):
        for r in readings_of(number):
            pane = expected.setdefault((r.unit, r.at_ms // 60_000), [0, 0.0, 0])
            pane[0] += 1
            pane[1] += r.value
            pane[2] = max(pane[2], r.at_ms)
    assert {row[:2]: list(row[2:]) for row in held} == expected
    last = {r.subject: r.value for number in range(done) for r in keyed_of(number)}
    assert {subject: value for subject, _, value in corrected} == last
    assert {n for _, n, _ in corrected} <= {1}
    assert sum(row[2] for row in held) == done * READINGS_A_TICK
    assert versions == done * CASES_A_TICK
    assert ticks is None or done == ticks
    return int(done)


@pytest.mark.slow
@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.soak)])
def test_killed_at_random_moments(tmp_path: Path, kills: int) -> None:
    rng = random.Random(20261122)
    ticks, done = 100_000, 0
    for _ in range(kills):
        with writing(tmp_path, ticks) as (process, heard):
            last = heard.recv()
            time.sleep(rng.random() * 0.7)
            process.kill()
            last = [last, *rest_of(heard)][-1]
        assert process.exitcode == -signal.SIGKILL
        now = check(tmp_path)
        assert now > done
        assert now >= last + 1, "what was committed stays"
        done = now
    with writing(tmp_path, done + 5) as (process, heard):
        rest_of(heard)
    assert process.exitcode == 0
    check(tmp_path, done + 5)


def test_a_full_disk_is_reported_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    """Each file may grow to a bound; with a larger bound the same store goes on."""
    done = 0
    for file_bytes in (600_000, 1_400_000):
        with writing(tmp_path, 3000, file_bytes) as (process, heard):
            told = rest_of(heard)
        assert process.exitcode == 3, told[-3:]
        assert "is full; writing stops until there is space again" in told[-1]
        now = check(tmp_path)
        assert now > done
        done = now
    with writing(tmp_path, done + 20) as (_, heard):
        rest_of(heard)
    check(tmp_path, done + 20)
