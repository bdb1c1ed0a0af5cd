"""Ten typical questions over one year and 168 units: the lab's confined process beside PostgreSQL, on the same rows."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import psutil

from ioc.clock import SystemClock
from ioc.lab.asking import Asking
from ioc.lab.publishing.publish import Publication, publish
from ioc.lab.query import State
from ioc.settings import VIETNAM, Settings
from ioc.store import Store
from ioc.store.snapshot import take
from tests.bench.report import Table, percentile

UNITS, MEASURES, DAYS, CASES_A_DAY = 168, 12, 365, 8
ROUNDS = 5
FROM, TO = "TIMESTAMP '2026-05-01'", "TIMESTAMP '2026-06-01'"
QUESTIONS = {
    "a unit's measure by day": "SELECT time, mean FROM readings_day WHERE measure = 'm3' AND unit = 'u7' ORDER BY time",
    "a measure by month, all units": "SELECT date_trunc('month', time) AS month, sum(sum) AS total FROM readings_day "
    "WHERE measure = 'm3' GROUP BY 1 ORDER BY 1",
    "the ten highest units of a month": "SELECT unit, sum(sum) / sum(n) AS mean FROM readings_day WHERE measure = 'm5' "
    f"AND time >= {FROM} AND time < {TO} GROUP BY unit ORDER BY mean DESC LIMIT 10",
    "every measure of a unit": "SELECT measure, sum(sum) AS total, max(most) AS most FROM readings_day "
    "WHERE unit = 'u7' GROUP BY measure ORDER BY measure",
    "a measure by weekday": "SELECT extract(isodow FROM time) AS weekday, avg(mean) AS mean FROM readings_day "
    "WHERE measure = 'm1' GROUP BY 1 ORDER BY 1",
    "all measures by month": "SELECT measure, date_trunc('month', time) AS month, sum(sum) AS total FROM readings_day "
    "GROUP BY 1, 2 ORDER BY 1, 2",
    "on-time rate by unit": "SELECT unit, 100.0 * sum(CASE WHEN closed_at <= due_at THEN 1 ELSE 0 END) / count(*) "
    "AS rate FROM cases WHERE closed_at IS NOT NULL GROUP BY unit ORDER BY rate",
    "received by month and channel": "SELECT date_trunc('month', received_at) AS month, channel, count(*) AS n "
    "FROM cases GROUP BY 1, 2 ORDER BY 1, 2",
    "open and overdue by service": "SELECT service, count(*) AS n FROM cases WHERE closed_at IS NULL AND due_at < "
    f"{TO} GROUP BY service ORDER BY n DESC",
    "settling time by service": "SELECT service, avg(extract(epoch FROM (closed_at - received_at))) / 86400 AS days "
    "FROM cases WHERE closed_at IS NOT NULL GROUP BY service ORDER BY days DESC",
}
_POSTGRES = Path("/usr/lib/postgresql/15/bin")
_DAY = (datetime(2026, 11, 20, tzinfo=UTC).date() - datetime(1970, 1, 1, tzinfo=UTC).date()).days


def run() -> None:
    with tempfile.TemporaryDirectory(prefix="ioc-bench-") as folder:
        settings = Settings(data_dir=Path(folder) / "centre")
        published = _prepare(settings)
        lab = asyncio.run(_in_the_lab(settings))
        other = _in_postgres(Path(folder) / "postgres", published)
    table = Table(
        f"Ten questions over {DAYS} days x {UNITS} units ({UNITS * MEASURES * DAYS:,} day rows, "
        f"{UNITS * DAYS * CASES_A_DAY:,} cases), ms, median of {ROUNDS}",
        ("question", "lab", "PostgreSQL", "times"),
    )
    for name in QUESTIONS:
        mine = percentile(lab[name], 0.5)
        theirs = percentile(other[name], 0.5) if other else float("nan")
        table.add(name, f"{mine:.1f}", f"{theirs:.1f}", f"{theirs / mine:.1f}")
    of_lab, of_other = ([ms for one in found.values() for ms in one] for found in (lab, other))
    for share in (0.5, 0.95):
        mine, theirs = percentile(of_lab, share), percentile(of_other, share)
        table.add(f"p{share * 100:.0f} of all", f"{mine:.1f}", f"{theirs:.1f}", f"{theirs / mine:.1f}")
    table.print()
    if not other:
        print("  PostgreSQL 15 is not installed here (Debian's package postgresql); there is nothing to compare with.")


def _prepare(settings: Settings) -> Publication:
    """A store with a year of days and cases, its snapshot, its publication; what each of these took."""
    store = Store.open(settings.store_path, settings.archive_dir, zone=VIETNAM)
    with store.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO measure_codes SELECT n, 'm' || n FROM range(1, {MEASURES + 1}) t(n);
            INSERT INTO unit_codes SELECT n, 'u' || n FROM range(1, {UNITS + 1}) t(n);
            INSERT INTO kept_day_panes SELECT m, u, 0, d, 24, 24 * (10 + random()), 9000, 1, 30, 1000, 5, 2000, 6
            FROM range({_DAY - DAYS}, {_DAY}) t(d), range(1, {MEASURES + 1}) s(m), range(1, {UNITS + 1}) r(u);
            CREATE TEMP TABLE made AS SELECT 'dossier' AS case_type,
                u || '-' || d || '-' || n AS case_id, 'u' || u AS unit,
                CASE WHEN n < 7 THEN 'settled' ELSE 'processing' END AS status,
                CASE WHEN n % 2 = 0 THEN 'online' ELSE 'counter' END AS channel, '1.' || (u * n % 90) AS service,
                make_timestamp((d * 86400 + n * 3000)::BIGINT * 1000000) AS received_at,
                received_at + INTERVAL 5 DAY AS due_at,
                CASE WHEN n < 7 THEN received_at + to_hours((40 + hash(u, d, n) % 90)::INTEGER) END AS closed_at,
                coalesce(closed_at, received_at) AS updated_at, '{{"level":"full"}}' AS attributes
            FROM range({_DAY - DAYS}, {_DAY}) t(d), range({CASES_A_DAY}) s(n), range(1, {UNITS + 1}) r(u);
            INSERT INTO cases SELECT *, hash(case_id), due_at, 0, received_at FROM made;
            INSERT INTO case_changes SELECT *, updated_at FROM made; DROP TABLE made""".replace("{{", "{").replace(
                "}}", "}"
            )
        )
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


async def _in_the_lab(settings: Settings) -> dict[str, list[float]]:
    """Milliseconds from asking to the whole result on the disk, by question."""
    asking = Asking.of(settings, SystemClock())
    asking.queries.start()
    found: dict[str, list[float]] = {name: [] for name in QUESTIONS}
    try:
        for number in range(ROUNDS + 1):
            for name, sql in QUESTIONS.items():
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


def _in_postgres(folder: Path, published: Publication) -> dict[str, list[float]]:
    """The same by PostgreSQL with indexes and statistics, warm, in one session; empty where it is not installed."""
    if not (_POSTGRES / "initdb").exists() or shutil.which("psql") is None:
        return {}
    folder.mkdir()
    with duckdb.connect(str(published.path), read_only=True) as connection:
        for name, columns in (
            ("readings_day", "measure, unit, time, n, sum, mean, most"),
            ("cases", "case_type, case_id, unit, channel, service, received_at, due_at, closed_at"),
        ):
            connection.execute(f"COPY (SELECT {columns} FROM {name}) TO '{folder / name}.csv' (HEADER false)")
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        for path in (folder.parent, folder, *folder.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)
        shutil.chown(folder, user)

    def do(*command: str, text: str | None = None) -> str:
        ran = subprocess.run(command, input=text, text=True, check=True, user=user, cwd=folder, capture_output=True)
        return ran.stdout

    do(str(_POSTGRES / "initdb"), "-D", "data", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = "-c listen_addresses='' -c shared_buffers=512MB -c work_mem=64MB -c fsync=off -c jit=off"
    do(str(_POSTGRES / "pg_ctl"), "-D", "data", "-w", "-l", "log", "-o", f"-k {folder} {options}", "start")
    try:
        ask = ("psql", "-h", str(folder), "-d", "postgres", "-q", "-v", "ON_ERROR_STOP=1")
        do(
            *ask,
            text=f"""CREATE TABLE readings_day (measure text, unit text, time timestamp, n bigint, sum float8,
                mean float8, most float8);
            CREATE TABLE cases (case_type text, case_id text, unit text, channel text, service text,
                received_at timestamp, due_at timestamp, closed_at timestamp);
            \\copy readings_day FROM '{folder}/readings_day.csv' CSV
            \\copy cases FROM '{folder}/cases.csv' CSV
            CREATE INDEX ON readings_day (measure, unit, time); CREATE INDEX ON readings_day (unit, time);
            CREATE INDEX ON cases (unit, received_at); CREATE INDEX ON cases (received_at);
            VACUUM ANALYZE;
            """.replace("            \\copy", "\\copy"),
        )
        script = "\\timing on\n" + "\n".join(f"{sql};" for _ in range(ROUNDS + 1) for sql in QUESTIONS.values())
        told = do(*ask, "-o", "/dev/null", text=script)
        times = [float(line.split()[1]) for line in told.splitlines() if line.startswith("Time:")]
        assert len(times) == (ROUNDS + 1) * len(QUESTIONS)
        later = times[len(QUESTIONS) :]
        return {name: later[place :: len(QUESTIONS)] for place, name in enumerate(QUESTIONS)}
    finally:
        do(str(_POSTGRES / "pg_ctl"), "-D", "data", "-m", "immediate", "stop")


if __name__ == "__main__":
    run()
