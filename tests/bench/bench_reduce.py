"""What an agent does to one batch, without Kafka: reduce alone, and unpack + check + reduce + pack.

    .venv/bin/python -m tests.bench.bench_reduce

20 measures × 168 units, 50 subjects, readings of 90 seconds; the best of several, in millions of readings a second
of one core.
"""

from collections.abc import Callable
from time import perf_counter

import numpy as np
import pyarrow as pa

from ioc.model.measure import Measure, MeasureKind
from ioc.model.unit import Unit
from ioc.model.vocabulary import Vocabulary
from ioc.topics import READINGS as TOPIC
from ioc.wire import arrow
from ioc.wire.headers import BatchHeaders
from ioc.wire.schemas import READINGS
from streams.agent_output import SourceMessage, make_output
from streams.agents import readings
from streams.reduce import reduce
from tests.bench.report import Table

START_MS = 1_795_341_600_000
INPUT_MS = START_MS + 100_000
KINDS: dict[str, dict[str, bool]] = {
    "merged subjects": {},
    "with quantiles": {"quantiles": True},
    "with distinct subjects": {"distinct": True},
    "kept subjects": {"keeps_subject": True},
}


def vocabulary(**traits: bool) -> Vocabulary:
    measures = [Measure(f"bench.m{n:02}", {}, "", MeasureKind.GAUGE, 0, 1000, **traits) for n in range(20)]
    units = [Unit(f"{20000 + n}", "", "", "ward", "46", 16.0, 107.0, 1.0) for n in range(168)]
    return Vocabulary({m.id: m for m in measures}, {u.code: u for u in units})


def batch(rows: int, words: Vocabulary) -> pa.RecordBatch:
    chance = np.random.default_rng(1)

    def column(entries: list[str], code: type) -> pa.DictionaryArray:
        codes = chance.integers(0, len(entries), rows).astype(code)  # type: ignore[var-annotated]
        return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(entries))

    return pa.RecordBatch.from_arrays(
        [
            column(list(words.measures), np.int16),
            column(list(words.units), np.int16),
            column([f"S{n}" for n in range(50)], np.int32),
            pa.array(START_MS + np.sort(chance.integers(0, 90_000, rows))).cast(READINGS.field("time").type),
            pa.array(chance.integers(0, 8000, rows) / 8),
        ],
        schema=READINGS,
    )


def best_s(work: Callable[[], object], runs: int = 20) -> float:
    times = []
    for _ in range(runs):
        began = perf_counter()
        work()
        times.append(perf_counter() - began)
    return min(times)


def main() -> None:
    table = Table("One core, millions of readings a second", ("", "rows a batch", "panes", "reduce", "whole answer"))
    for name, traits in KINDS.items():
        words = vocabulary(**traits)
        for rows in (1_000, 10_000, 50_000, 100_000):
            given = batch(rows, words)
            headers = BatchHeaders("bench", "readings", "", "", received=rows).encode()
            message = SourceMessage(TOPIC, 0, 0, INPUT_MS, headers, arrow.encode(given))
            reducing = best_s(lambda: reduce(given, words, INPUT_MS))  # noqa: B023 called here and now
            answering = best_s(lambda: make_output(message, readings.decode, readings.NO_ROWS, words))  # noqa: B023
            panes = reduce(given, words, INPUT_MS).panes.num_rows
            rates = [f"{rows / seconds / 1e6:.1f}" for seconds in (reducing, answering)]
            table.add(name, f"{rows:,}", f"{panes:,}", *rates)
    table.print()


if __name__ == "__main__":
    main()
