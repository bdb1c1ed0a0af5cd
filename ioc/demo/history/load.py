"""Write the history through a source's writer, continuing where an earlier start stopped."""

from collections.abc import Callable
from typing import Any, Protocol

import pyarrow as pa

from ioc.demo.history.plan import DAYS, plan
from ioc.demo.places import World

SOURCE = "demo-history"
Progress = Callable[[int, int, int], None]
"""Called with the batches done, all batches, and the rows written in this run."""


class HistoryWriter(Protocol):
    """An open writer of the source SOURCE; `connectors.writer.SourceWriter` is one.

    `position` is that of the last batch which is safe or under way, also after a restart; None at first. Adding waits
    while much is under way.
    """

    @property
    def position(self) -> Any: ...

    def add_readings(self, readings: pa.RecordBatch, position: Any) -> object: ...

    def add_cases(self, cases: pa.RecordBatch, position: Any) -> object: ...

    def flush(self) -> None: ...


def load(world: World, began_at_ms: int, writer: HistoryWriter, progress: Progress, days: int = DAYS) -> int:
    """Write all batches of `days` after the writer's position, wait until they are safe, and return the rows written.

    Batch n is written with position n + 1 in one piece, so each is in the log once. Nothing is made when everything is
    there. Errors of the writer are passed on; a later call continues.
    """
    steps = plan(world, began_at_ms, days)
    done = writer.position or 0
    rows = 0
    for number in range(done, len(steps)):
        step = steps[number]
        batch = step.make()
        add = writer.add_readings if step.kind == "readings" else writer.add_cases
        add(batch, position=number + 1)
        rows += batch.num_rows
        progress(number + 1, len(steps), rows)
    if rows:
        writer.flush()
    return rows
