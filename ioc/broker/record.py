"""Record the start cache: start a broker on an empty folder, let it answer, end it. Run once, by set-up.

python -m ioc.broker.record
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from ioc.broker.embedded import EmbeddedBroker

# Java writes the cache when it ends: about 8 s on two cores.
RECORDING_TIMEOUT_S = 120.0


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        broker = EmbeddedBroker(Path(folder), port=0)
        broker.start(record_start_cache=True)
        broker.stop(timeout_s=RECORDING_TIMEOUT_S)


if __name__ == "__main__":
    main()
