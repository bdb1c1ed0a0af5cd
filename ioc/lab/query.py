"""One analyst query: what was submitted, its progress and its outcome."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import Any

from ioc.errors import IocError


@dataclass(frozen=True)
class QueryLimits:
    """Limits of one query.

    `seconds` of processor time (and a multiple on the clock), memory, rows and bytes of the result, disk space for
    data that exceeds memory.
    """

    seconds: float = 30.0
    memory_mb: int = 256
    rows: int = 1_000_000
    bytes: int = 256 << 20
    spill_mb: int = 512


class State(StrEnum):
    """The state of a query."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class NothingPublished(IocError):
    """No snapshot has been published yet."""


@dataclass(eq=False)
class Query:
    """A query and its progress.

    The `kind` of a failure is sql, time, too_large, memory or process.
    """

    id: str
    person: str
    sql: str
    parameters: dict[str, Any]
    rows: int
    asked_at: datetime
    name: str = ""
    state: State = State.WAITING
    began_s: float = 0.0
    elapsed_ms: float = 0.0
    progress: float | None = None
    columns: list[dict[str, str]] = field(default_factory=list)
    row_count: int | None = None
    truncated: bool = False
    error: dict[str, Any] | None = None
    kind: str = ""
    taken_at: datetime | None = None
    result: Path | None = None
    ended_at: datetime | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    work: asyncio.Task[None] | None = None

    @property
    def elapsed_now_ms(self) -> float:
        return (monotonic() - self.began_s) * 1000 if self.state is State.RUNNING else self.elapsed_ms
