"""Bytewax on single JSON events: sum and count in one-minute windows by measure and unit.

python bytewax_events.py BOOTSTRAP TOPIC COUNT  ->  {"events": n, "seconds": s}
"""

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import bytewax.operators as op
import bytewax.operators.windowing as windowing
import orjson
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, run_main


def main(bootstrap: str, topic: str) -> None:
    seen = {"n": 0, "first": 0.0, "last": 0.0}

    def parse(message: Any) -> tuple[str, tuple[datetime, float]]:
        seen["last"] = time.perf_counter()
        seen["first"] = seen["first"] or seen["last"]
        seen["n"] += 1
        event = orjson.loads(message.value)
        return f"{event['measure']}|{event['unit']}", (
            datetime.fromtimestamp(event["time_ms"] / 1000, UTC),
            event["value"],
        )

    flow = Dataflow("events")
    source = KafkaSource([bootstrap], [topic], tail=False, batch_size=10_000)
    keyed = op.map("parse", op.input("in", flow, source), parse)
    clock = windowing.EventClock(lambda event: event[0], wait_for_system_duration=timedelta(0))
    minute = windowing.TumblingWindower(timedelta(minutes=1), datetime(2026, 1, 1, tzinfo=UTC))
    folded = windowing.fold_window(
        "fold",
        keyed,
        clock,
        minute,
        lambda: (0, 0.0),
        lambda s, e: (s[0] + 1, s[1] + e[1]),
        lambda a, b: (a[0] + b[0], a[1] + b[1]),
    )
    op.output("out", folded.down, TestingSink([]))
    run_main(flow)
    print(json.dumps({"events": seen["n"], "seconds": seen["last"] - seen["first"]}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
