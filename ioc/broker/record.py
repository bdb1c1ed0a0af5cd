"""Record a first start: its classes for the start cache, and the feature levels of a new folder. Set-up runs it once.

python -m ioc.broker.record
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from ioc.broker.embedded import EmbeddedBroker
from ioc.broker.java import FEATURE_LEVELS, KafkaRuntime

# Java writes the cache when it ends: about 8 s on two cores.
RECORDING_TIMEOUT_S = 120.0


def main() -> None:
    """Start and stop a broker, and keep what it has recorded."""
    made = KafkaRuntime()
    # New files beside those in use: a running broker has the cache mapped into its memory.
    parts = replace(made, start_cache=_part_of(made.start_cache), features=_part_of(made.features))
    for part in (parts.start_cache, parts.features):
        part.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        broker = EmbeddedBroker(Path(folder), port=0, runtime=parts)
        broker.start(record_start_cache=True)
        broker.stop(timeout_s=RECORDING_TIMEOUT_S)
        shutil.copyfile(Path(folder) / "kafka" / "data" / FEATURE_LEVELS, parts.features)
    parts.start_cache.replace(made.start_cache)
    parts.features.replace(made.features)


def _part_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.part")


if __name__ == "__main__":
    main()
