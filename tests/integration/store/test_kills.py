"""SIGKILL and a full disk at any moment leave a store that is whole, and that goes on where it was."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ioc.settings import VIETNAM
from ioc.store import Store
from ioc.store.audit import audit
from ioc.topics import READINGS
from tests.integration.store.writer import CASES_A_TICK, READINGS_A_TICK, readings_of

ROOT = Path(__file__).parents[3]


def writer(store: Path, ticks: int, file_bytes: int | None = None) -> subprocess.Popen[str]:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        if file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

    module = "tests.integration.store.writer"
    return subprocess.Popen(
        [sys.executable, "-m", module, str(store / "ioc.duckdb"), str(store / "archive"), str(ticks)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=limit,
    )


def check(path: Path, ticks: int | None = None) -> int:
    """The store holds exactly the first so many ticks, each once; their number."""
    store = Store.open(path / "ioc.duckdb", path / "archive", zone=VIETNAM)
    with store.cursor() as cursor:
        assert audit(cursor) == []
        found = cursor.execute(f"SELECT next_offset FROM next_offsets WHERE topic = '{READINGS}'").fetchall()
        done = found[0][0] if found else 0
        held = cursor.execute(
            "SELECT u.id, minute, sum(n)::BIGINT, sum(sum), max(last_at) FROM minute_panes p "
            "JOIN unit_codes u ON u.code = p.unit GROUP BY ALL"
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
        with writer(tmp_path, ticks) as process:
            assert process.stdout is not None
            assert process.stdout.readline(), "it writes at least one tick"
            time.sleep(rng.random() * 0.7)
            process.send_signal(signal.SIGKILL)
            lines = process.stdout.read().split()
        now = check(tmp_path)
        assert now > done
        assert now >= (int(lines[-1]) + 1 if lines else 0), "what was committed stays"
        done = now
    process = writer(tmp_path, done + 5)
    process.communicate()
    assert process.returncode == 0
    check(tmp_path, done + 5)


def test_a_full_disk_is_said_so_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    """Each file may grow to a bound; with a larger bound the same store goes on."""
    done = 0
    for file_bytes in (600_000, 1_400_000):
        process = writer(tmp_path, 3000, file_bytes)
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 3, out[-300:]
        assert "is full; writing stops until there is space again" in out.splitlines()[-1]
        now = check(tmp_path)
        assert now > done
        done = now
    process = writer(tmp_path, done + 20)
    process.communicate(timeout=120)
    check(tmp_path, done + 20)
