"""The demonstration province at rest: memory, processor, time to the first live value; recovery after SIGKILL."""

import tempfile
import time
from pathlib import Path

from tests.bench.report import Table
from tests.support.running_centre import RunningCentre, wait_for

GOALS_S = {"worker": 3, "serve": 3, "broker": 6}


def run(seconds: float) -> None:
    with tempfile.TemporaryDirectory(prefix="ioc-bench-") as root:
        centre = RunningCentre(Path(root), arguments=("--workers", "2"))
        table = Table("The demonstration province", ("", "measured", "goal"))
        try:
            began = time.monotonic()
            table.add("first start to live values", f"{_start(centre):.1f} s", "")
            wait_for("the year's history", lambda: _told(centre) > 0, 600)
            table.add("… and a year's history loaded", f"{time.monotonic() - began:.1f} s", "60 s")
            time.sleep(60)  # the history is rolled up and archived
            centre.stop()
            table.add("second start to live values", f"{_start(centre):.1f} s", "20 s")
            time.sleep(60)
            used, began = centre.cpu_s(), time.monotonic()
            time.sleep(seconds)
            table.add(
                "processor at rest", f"{(centre.cpu_s() - used) / (time.monotonic() - began):.0%} of a core", "20 %"
            )
            table.add("memory of all processes (PSS)", f"{centre.memory_mb():,.0f} MB", "1,000 MB")
            for part, goal in GOALS_S.items():
                table.add(
                    f"SIGKILL of {part}, until values are live again", f"{_recovery(centre, part):.1f} s", f"{goal} s"
                )
        finally:
            centre.stop()
    table.print()


def _start(centre: RunningCentre) -> float:
    began = time.monotonic()
    centre.start()
    wait_for("live values", centre.has_live_values, 120)
    return time.monotonic() - began


def _told(centre: RunningCentre) -> int:
    """How often `ioc up` has said that all is there."""
    return (centre.data_dir / "up.log").read_text().count("Ctrl-C stops all of it.")


def _recovery(centre: RunningCentre, part: str) -> float:
    """Until a reading that is pushed after the kill shows in a KPI."""
    unit = "46"
    kpi = "records.handed_over_today"
    before = centre.kpi(kpi, unit).get("value") or 0
    centre.kill(part)
    began = time.monotonic()
    key = f"recovery-{part}-{time.time_ns()}"

    def pushed() -> bool:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        record = f'{{"measure":"records.handed_over","unit":"{unit}","time":"{now}","value":1,"subject":"{key}"}}'
        return centre.push("demo-push", record.encode(), "application/json", key).status_code == 202

    wait_for("the push to be taken", pushed, 60, 0.05)
    wait_for("the pushed value", lambda: (centre.kpi(kpi, unit).get("value") or 0) > before, 60, 0.05)
    took = time.monotonic() - began
    time.sleep(5)
    return took
