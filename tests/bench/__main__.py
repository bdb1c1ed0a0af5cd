"""`make bench`: all measurements, or those named (BENCHES)."""

import subprocess
import sys
from collections.abc import Callable

from setup.environment import PEERS_VENV
from tests.bench import (
    alert_ticks,
    alerting,
    backtests,
    historian,
    latency,
    questions,
    restarts,
    resting,
    storm,
    throughput,
    undisturbed,
)


def _websocket() -> None:
    subprocess.run([sys.executable, "-m", "tests.bench.bench_websocket"], check=True)


BENCHES: dict[str, Callable[[], None]] = {
    "throughput": lambda: throughput.run(60, PEERS_VENV / "bin" / "python"),
    "latency": lambda: latency.run(30),
    "alerting": alerting.run,
    "alert_ticks": alert_ticks.run,
    "backtests": backtests.run,
    "storm": storm.run,
    "historian": lambda: historian.run(15),
    "websocket": _websocket,
    "questions": questions.run,
    "undisturbed": lambda: undisturbed.run(46),
    "demonstration": lambda: resting.run(30),
    "restarts": restarts.run,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"No bench is called {unknown[0]!r}; there are {', '.join(BENCHES)}.", file=sys.stderr)
        return 2
    for name in names or BENCHES:
        BENCHES[name]()
    return 0


sys.exit(main(sys.argv[1:]))
