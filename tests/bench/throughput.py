"""Sustained readings a second from the connectors' writer to DuckDB, every check on; peers in the same run."""

import json
import subprocess
import tempfile
import time
from pathlib import Path

import duckdb
import orjson
import pyarrow as pa
from kafka import KafkaAdminClient, KafkaProducer

from tests.bench.load import PROVINCE, Load, template, write_pack
from tests.bench.report import Table
from tests.support.running_centre import REPOSITORY, RunningCentre, running_centre, wait_for

EVENTS = 60_000
PEERS = REPOSITORY / "tests" / "bench" / "peers"


def run(seconds: float, python: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="ioc-bench-") as root:
        directory = Path(root)
        write_pack(directory / "catalog")
        environment = {"IOC_PROVINCE": PROVINCE, "IOC_CATALOG_DIR": str(directory / "catalog")}
        with running_centre(
            directory / "centre",
            environment=environment,
            arguments=("--no-demo", "--no-broker-password", "--workers", "1"),
        ) as centre:
            ours = _ours(centre, directory, seconds)
            rates = {"this centre, batches": ours, **_event_peers(centre.kafka, directory, python)}
        rates["ClickHouse (chdb), batches of 10,000"] = _clickhouse(directory, python, 10_000, 100)
        rates["ClickHouse (chdb), batches of 100,000"] = _clickhouse(directory, python, 100_000, 30)
    table = Table(
        f"Readings a second (20 measures × 168 units, {seconds:.0f} s)", ("", "readings/s", "ours is × times")
    )
    for name, rate in rates.items():
        table.add(name, f"{rate:,.0f}", f"{ours / rate:,.1f}")
    table.print()


def _ours(centre: RunningCentre, directory: Path, seconds: float) -> float:
    load = Load(centre.kafka, directory, directory / "catalog")
    began = time.perf_counter()
    sent = load.run(seconds)

    def applied() -> int:
        sources = [s for s in centre.ledger()["sources"] if s["source"].startswith("bench-")]
        return sum(s["applied"] for s in sources)

    wait_for("all readings in the store", lambda: applied() >= sent.readings, 120, 0.2)
    rate = sent.readings / (time.perf_counter() - began)
    load.close()
    ledger = centre.ledger()
    print(f"  sent {sent.readings:,} in {sent.seconds:.1f} s; ledger balanced: {ledger['balanced']}; ", end="")
    store = centre.data_dir / "store" / "ioc.duckdb"
    centre.stop()
    with duckdb.connect(str(store), read_only=True) as database:
        n, total = database.execute("SELECT sum(n), sum(sum) FROM day_panes").fetchone() or (0, 0.0)
    kept = "equal" if (n, total) == (sent.readings, sent.total) else f"n {n}, sum off by {total - sent.total}"
    print(f"count and sum in the store: {kept}")
    centre.start()
    return rate


def _event_peers(bootstrap: str, directory: Path, python: Path) -> dict[str, float]:
    topic = f"bench.events.{time.time_ns()}"
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    admin.close()
    producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=50, batch_size=500_000)
    batch = template(EVENTS, 99).at(time.time_ns() // 1_000_000)
    for row in batch.to_pylist():
        event = {
            "measure": row["measure"],
            "unit": row["unit"],
            "time_ms": int(row["time"].timestamp() * 1000),
            "value": row["value"],
        }
        producer.send(topic, orjson.dumps(event), key=f"{row['measure']}|{row['unit']}".encode(), partition=0)
    producer.flush()
    producer.close()
    words = {
        "plain Faust agent, single events": [
            python,
            PEERS / "faust_events.py",
            bootstrap,
            topic,
            EVENTS,
            directory / "faust",
        ],
        "Quix Streams, single events": [
            python,
            PEERS / "quix_events.py",
            bootstrap,
            topic,
            EVENTS,
            directory / "quix",
        ],
        "Bytewax, single events": [python, PEERS / "bytewax_events.py", bootstrap, topic],
    }
    return {name: _rate([str(word) for word in command], directory) for name, command in words.items()}


def _clickhouse(directory: Path, python: Path, rows: int, repeat: int) -> float:
    batches = directory / f"arrow-{rows}"
    batches.mkdir()
    for seed in range(4):
        batch = template(rows, seed).at(time.time_ns() // 1_000_000)
        with pa.OSFile(str(batches / f"{seed}.arrow"), "wb") as out, pa.ipc.new_stream(out, batch.schema) as writer:
            writer.write_batch(batch)
    return _rate([str(python), str(PEERS / "clickhouse_batches.py"), str(batches), str(repeat)], directory)


def _rate(command: list[str], directory: Path) -> float:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=180, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise RuntimeError(f"{command[1]} gave nothing: {done.stderr[-500:]}")
    result = json.loads(lines[-1])
    return float(result["events"] / result["seconds"])
