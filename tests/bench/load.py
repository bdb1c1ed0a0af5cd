"""A load of readings with a known sum, through the connectors' own writer."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from connectors.producer import SharedProducer
from connectors.same_key import SameKey
from connectors.writer import SourceWriter
from ioc.catalog import load
from ioc.topics import partition_of
from ioc.wire.schemas import READINGS

PROVINCE = "79"  # the province of most communes: 168
MEASURES = 20
PACK = """
[sector]
id = "bench"
name = { vi = "Đo tốc độ", en = "Benchmark" }
order = 99
""" + "".join(
    f"""
[[measure]]
id = "bench.m{n:02}"
name = {{ vi = "Đại lượng {n}", en = "Measure {n}" }}
unit_of_measure = "1"
kind = "{"delta" if n % 2 else "gauge"}"
least = 0
most = 1000

[[kpi]]
id = "bench.k{n:02}"
name = {{ vi = "KPI {n}", en = "KPI {n}" }}
unit_of_measure = "1"
window = "today"
aggregate = {{ measure = "bench.m{n:02}", take = "{"sum" if n % 2 else "mean"}" }}
basis = "đo tốc độ"
"""
    for n in range(MEASURES)
)


def write_pack(catalog_dir: Path) -> None:
    catalog_dir.mkdir(parents=True, exist_ok=True)
    (catalog_dir / "bench.toml").write_text(PACK, encoding="utf-8")


def sources(partitions: int) -> list[str]:
    """One source name for each partition."""
    found: dict[int, str] = {}
    n = 0
    while len(found) < partitions:
        found.setdefault(partition_of(f"bench-{n}", partitions), f"bench-{n}")
        n += 1
    return [found[p] for p in range(partitions)]


@dataclass
class Template:
    """Rows of a batch without their times; `total` is the exact sum of the values (multiples of 1/8)."""

    columns: list[pa.Array]
    rows: int
    total: float
    offsets_ms: np.ndarray

    def at(self, now_ms: int) -> pa.RecordBatch:
        """The rows timed within the second before `now_ms`, in order."""
        times = pa.array(now_ms + self.offsets_ms, pa.timestamp("ms", tz="UTC"))
        measure, unit, subject, value = self.columns
        return pa.RecordBatch.from_arrays([measure, unit, subject, times, value], schema=READINGS)


def template(rows: int, seed: int, measures: list[str] | None = None) -> Template:
    rng = np.random.default_rng(seed)
    words = measures or [f"bench.m{n:02}" for n in range(MEASURES)]
    units = [code for code in load(PROVINCE).vocabulary.units if code != PROVINCE]
    values = rng.integers(0, 2000, rows) / 8
    columns = [
        pa.DictionaryArray.from_arrays(pa.array(rng.integers(0, len(words), rows), pa.int16()), pa.array(words)),
        pa.DictionaryArray.from_arrays(pa.array(rng.integers(0, len(units), rows), pa.int16()), pa.array(units)),
        pa.nulls(rows, pa.dictionary(pa.int32(), pa.string())),
        pa.array(values, pa.float64()),
    ]
    return Template(columns, rows, float(values.sum()), np.sort(rng.integers(-1000, 1, rows)))


@dataclass
class Sent:
    readings: int = 0
    total: float = 0.0
    seconds: float = 0.0
    lags_s: list[float] = field(default_factory=list)


class Load:
    """Sends batches in turn over the sources, at a rate or as fast as the writers take them."""

    def __init__(
        self, bootstrap: str, data_dir: Path, catalog_dir: Path, partitions: int = 4, rows: int = 100_000
    ) -> None:
        catalog = load(PROVINCE, catalog_dir)
        self.producer = SharedProducer(
            bootstrap, data_dir / "load", partitions=partitions, measures=catalog.vocabulary.measures
        )
        self.writers = [SourceWriter(self.producer, name, same_key=SameKey.NEW) for name in sources(partitions)]
        for writer in self.writers:
            writer.open()
        self.templates = [template(rows, seed) for seed in range(8)]

    def run(self, seconds: float, readings_per_s: float | None = None) -> Sent:
        sent = Sent()
        began = time.perf_counter()
        last = []  # type: ignore[var-annotated]
        turn = 0
        while (elapsed := time.perf_counter() - began) < seconds:
            chosen = self.templates[turn % len(self.templates)]
            if readings_per_s is not None:
                due = (sent.readings + chosen.rows) / readings_per_s
                if due > elapsed:
                    time.sleep(min(due - elapsed, max(0.0, seconds - elapsed)))
                    if due > seconds:
                        break
            taken = self.writers[turn % len(self.writers)].add_readings(chosen.at(time.time_ns() // 1_000_000))
            last = [*last[-len(self.writers) :], taken.safe]
            sent.readings += chosen.rows
            sent.total += chosen.total
            turn += 1
        for safe in last:
            safe.result(60)
        sent.seconds = time.perf_counter() - began
        return sent

    def close(self) -> None:
        for writer in self.writers:
            writer.close()
        self.producer.close()
