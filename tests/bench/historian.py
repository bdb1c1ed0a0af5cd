"""What the server costs at 10,000 and at 1,000,000 readings a second: its work depends on keys, not on events."""

import tempfile
import time
from pathlib import Path

import psutil

from tests.bench.load import PROVINCE, Load, write_pack
from tests.bench.report import Table
from tests.support.running_centre import running_centre

BATCHES_PER_S = 10


def run(seconds: float) -> None:
    """Ten batches a second in both runs, so that only the readings in them differ."""
    with tempfile.TemporaryDirectory(prefix="ioc-bench-") as root:
        directory = Path(root)
        write_pack(directory / "catalog")
        environment = {"IOC_PROVINCE": PROVINCE, "IOC_CATALOG_DIR": str(directory / "catalog")}
        arguments = ("--no-demo", "--no-broker-password", "--workers", "1")
        shares = {}
        with running_centre(directory / "centre", environment=environment, arguments=arguments) as centre:
            for rate in (10_000, 1_000_000):
                load = Load(centre.kafka, directory, directory / "catalog", rows=rate // BATCHES_PER_S)
                load.run(5, rate)
                (serve,) = centre.processes("serve")
                used, began = _cpu_s(serve), time.monotonic()
                load.run(seconds, rate)
                shares[rate] = (_cpu_s(serve) - used) / (time.monotonic() - began)
                load.close()
    table = Table("Processor of `ioc serve` (historian, evaluation, hub)", ("readings/s", "share of a core"))
    for rate, share in shares.items():
        table.add(f"{rate:,}", f"{share:.0%}")
    low, high = shares.values()
    table.add("ratio (goal 1.3)", f"{high / low:.2f}")
    table.print()


def _cpu_s(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:2]))
