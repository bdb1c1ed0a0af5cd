"""ClickHouse (`chdb`, in this process) on the same batches: a materialized view into AggregatingMergeTree, by minute.

python clickhouse_batches.py DIRECTORY_OF_ARROW_STREAMS REPEAT  ->  {"events": n, "seconds": s}
"""

import json
import sys
import time
from pathlib import Path

import pyarrow as pa
from chdb import session

SCHEMA = """
CREATE DATABASE bench;
CREATE TABLE bench.readings (measure LowCardinality(String), unit LowCardinality(String), time DateTime64(3),
  value Float64) ENGINE = Null;
CREATE TABLE bench.panes (measure LowCardinality(String), unit LowCardinality(String), minute DateTime,
  n AggregateFunction(count), total AggregateFunction(sum, Float64), least AggregateFunction(min, Float64),
  most AggregateFunction(max, Float64)) ENGINE = AggregatingMergeTree ORDER BY (measure, unit, minute);
CREATE MATERIALIZED VIEW bench.reduce TO bench.panes AS SELECT measure, unit, toStartOfMinute(time) AS minute,
  countState() AS n, sumState(value) AS total, minState(value) AS least, maxState(value) AS most
  FROM bench.readings GROUP BY measure, unit, minute;
"""


def main(directory: Path, repeat: int) -> None:
    db = session.Session()
    for statement in SCHEMA.split(";"):
        if statement.strip():
            db.query(statement)
    batches = []
    for path in sorted(directory.glob("*.arrow")):
        with pa.ipc.open_stream(path.read_bytes()) as reader:
            table = reader.read_all()
        batches.append(
            pa.table(
                {
                    name: table[name].cast(pa.string()) if name in ("measure", "unit") else table[name]
                    for name in ("measure", "unit", "time", "value")
                }
            )
        )
    events = 0
    began = time.perf_counter()
    for _ in range(repeat):
        for batch in batches:
            db.query("INSERT INTO bench.readings SELECT measure, unit, time, value FROM Python(batch)")
            events += batch.num_rows
    seconds = time.perf_counter() - began
    kept = json.loads(str(db.query("SELECT countMerge(n) AS n FROM bench.panes", "JSONEachRow")))
    assert int(kept["n"]) == events, (kept, events)
    print(json.dumps({"events": events, "seconds": seconds}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
