"""Quix Streams on single JSON events: sum and count in one-minute windows by measure and unit.

python quix_events.py BOOTSTRAP TOPIC COUNT STATE_DIR  ->  {"events": n, "seconds": s}
"""

import json
import sys
import time

from quixstreams import Application


def main(bootstrap: str, topic: str, count: int, state_dir: str) -> None:
    app = Application(
        bootstrap,
        consumer_group=f"quix-{time.time_ns()}",
        auto_offset_reset="earliest",
        loglevel="ERROR",
        use_changelog_topics=False,
        state_dir=state_dir,
        consumer_extra_config={"fetch.min.bytes": 100_000, "queued.min.messages": 100_000},
    )
    seen = {"n": 0, "first": 0.0, "last": 0.0}

    def counted(event: dict) -> dict:
        seen["last"] = time.perf_counter()
        seen["first"] = seen["first"] or seen["last"]
        seen["n"] += 1
        return event

    def fold(state: list, event: dict) -> list:
        return [state[0] + 1, state[1] + event["value"]]

    frame = app.dataframe(
        app.topic(topic, value_deserializer="json", key_deserializer="str", timestamp_extractor=_time)
    )
    frame = (
        frame.apply(counted).tumbling_window(60_000, grace_ms=0).reduce(fold, lambda event: [1, event["value"]]).final()
    )
    app.run(count=count, timeout=60)
    print(json.dumps({"events": seen["n"], "seconds": seen["last"] - seen["first"]}))


def _time(value: dict, *_: object) -> int:
    return value["time_ms"]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
