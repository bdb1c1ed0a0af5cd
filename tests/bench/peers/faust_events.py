"""A plain Faust agent on single JSON events: sum and count in one-minute windows by measure and unit.

python faust_events.py BOOTSTRAP TOPIC COUNT DIRECTORY  ->  {"events": n, "seconds": s}
"""

import json
import os
import sys
import time
from collections import defaultdict

import faust

BOOTSTRAP, TOPIC, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
app = faust.App(
    f"bench-faust-{time.time_ns()}",
    broker=f"kafka://{BOOTSTRAP}",
    web_enabled=False,
    topic_disable_leader=True,
    value_serializer="json",
    datadir=sys.argv[4],
)
panes: dict[tuple[str, str, int], list[float]] = defaultdict(lambda: [0, 0.0])
seen = {"n": 0, "first": 0.0}


@app.agent(app.topic(TOPIC, value_serializer="json", key_serializer="raw"))
async def reduce(events: faust.StreamT) -> None:
    async for event in events:
        if not seen["n"]:
            seen["first"] = time.perf_counter()
        pane = panes[event["measure"], event["unit"], event["time_ms"] // 60_000]
        pane[0] += 1
        pane[1] += event["value"]
        seen["n"] += 1
        if seen["n"] == COUNT:
            print(
                json.dumps({"events": COUNT, "seconds": time.perf_counter() - seen["first"]}),
                file=sys.__stdout__,
                flush=True,
            )
            os._exit(0)  # a worker has no end of its own


if __name__ == "__main__":
    sys.argv = [sys.argv[0], "worker", "-l", "error", "--without-web"]
    app.main()
