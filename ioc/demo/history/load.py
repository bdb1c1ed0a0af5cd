"""Write the back history through a source's writer, going on where an earlier start stopped."""

from collections.abc import Callable
from typing import Any, Protocol

import pyarrow as pa

from ioc.demo.history.plan import DAYS, plan
from ioc.demo.places import World

SOURCE = "demo-history"
Progress = Callable[[int, int, int], None]
"""Called with batches done, batches in all, rows written in this run."""


class HistoryWriter(Protocol):
    """An open writer of the source SOURCE (`connectors.writer.SourceWriter` is one). `position` is what came with the
    last batch that is safe or under way, also after a restart; None at first. Adding waits while much is under way."""

    @property
    def position(self) -> Any: ...

    def add_readings(self, readings: pa.RecordBatch, position: Any) -> object: ...

    def add_cases(self, cases: pa.RecordBatch, position: Any) -> object: ...

    def flush(self) -> None: ...


def load(world: World, began_at_ms: int, writer: HistoryWriter, progress: Progress, days: int = DAYS) -> int:
    """Write all batches of `days` behind the writer's position and wait until they are safe; how many rows it wrote.

    Batch n is written with position n + 1 in one piece, so each comes to be in the log once. Nothing is made when
    all is there. Errors of the writer pass through; a later call goes on.
    """
    steps = plan(world, began_at_ms, days)
    done = writer.position or 0
    rows = 0
    for number in range(done, len(steps)):
        step = steps[number]
        batch = step.make()
        add = writer.add_readings if step.of == "readings" else writer.add_cases
        add(batch, position=number + 1)
        rows += batch.num_rows
        progress(number + 1, len(steps), rows)
    if rows:
        writer.flush()
    return rows
