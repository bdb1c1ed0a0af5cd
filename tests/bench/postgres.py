"""PostgreSQL with the lab's rows and the same questions, set up as one who knows it would for such questions."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import duckdb

from ioc.lab.publishing.publish import Publication

_PROGRAMS = Path("/usr/lib/postgresql/15/bin")
_TABLES = {
    "readings_day": "measure, unit, time, n, sum, mean, most",
    "readings_hour": "measure, unit, time, n, sum, mean, most",
    "cases": "case_type, case_id, unit, channel, service, received_at, due_at, closed_at",
}
_OPTIONS = (
    "-c listen_addresses='' -c shared_buffers=1500MB -c work_mem=256MB -c maintenance_work_mem=512MB "
    "-c effective_cache_size=4GB -c random_page_cost=1.1 -c max_parallel_workers_per_gather=2 -c fsync=off -c jit=off "
    "-c max_wal_size=8GB"
)
# The rows come in the order of measure, unit and time, so that those of an index lie together.
_READINGS = """CREATE TABLE {name} (measure text, unit text, time timestamp, n bigint, sum float8, mean float8,
    most float8);
\\copy {name} FROM '{folder}/{name}.csv' CSV
CREATE INDEX ON {name} (measure, unit, time); CREATE INDEX ON {name} (unit, time);
CREATE INDEX ON {name} (measure, time); CREATE INDEX ON {name} USING brin (time);
"""
_CASES = """CREATE TABLE cases (case_type text, case_id text, unit text, channel text, service text,
    received_at timestamp, due_at timestamp, closed_at timestamp);
\\copy cases FROM '{folder}/cases.csv' CSV
CREATE INDEX ON cases (unit, received_at); CREATE INDEX ON cases (received_at);
CREATE INDEX ON cases (due_at) WHERE closed_at IS NULL;
"""


def in_postgres(
    folder: Path, published: Publication, questions: Mapping[str, str], rounds: int
) -> dict[str, list[float]]:
    """Milliseconds by question, warm, in one session; empty where PostgreSQL is not installed."""
    if not (_PROGRAMS / "initdb").exists() or shutil.which("psql") is None:
        return {}
    folder.mkdir()
    with duckdb.connect(str(published.path), read_only=True) as connection:
        for name, columns in _TABLES.items():
            connection.execute(f"COPY (SELECT {columns} FROM {name}) TO '{folder / name}.csv' (HEADER false)")
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        for path in (folder.parent, folder, *folder.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)
        shutil.chown(folder, user)

    def do(*command: str, text: str | None = None) -> str:
        ran = subprocess.run(command, input=text, text=True, check=True, user=user, cwd=folder, capture_output=True)
        return ran.stdout

    do(str(_PROGRAMS / "initdb"), "-D", "data", "-A", "trust", "-E", "UTF8", "--no-sync")
    do(str(_PROGRAMS / "pg_ctl"), "-D", "data", "-w", "-l", "log", "-o", f"-k {folder} {_OPTIONS}", "start")
    try:
        ask = ("psql", "-h", str(folder), "-d", "postgres", "-q", "-v", "ON_ERROR_STOP=1")
        made = [_READINGS.format(name=name, folder=folder) for name in ("readings_day", "readings_hour")]
        do(*ask, text="".join([*made, _CASES.format(folder=folder), "VACUUM ANALYZE;"]))
        script = "\\timing on\n" + "\n".join(f"{sql};" for _ in range(rounds + 1) for sql in questions.values())
        told = do(*ask, "-o", "/dev/null", text=script)
        times = [float(line.split()[1]) for line in told.splitlines() if line.startswith("Time:")]
        assert len(times) == (rounds + 1) * len(questions)
        later = times[len(questions) :]  # the first round warms
        return {name: later[place :: len(questions)] for place, name in enumerate(questions)}
    finally:
        do(str(_PROGRAMS / "pg_ctl"), "-D", "data", "-m", "immediate", "stop")
