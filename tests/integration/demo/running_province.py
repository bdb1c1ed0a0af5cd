"""The simulated sector systems, running, with a clock that a test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ioc.clock import FixedClock
from ioc.demo import state
from ioc.demo.addresses import Addresses
from ioc.demo.places import World
from ioc.demo.province import simulated, world_of
from ioc.settings import VIETNAM, Settings
from tests.integration.demo.receiver import Receiver, receiving

BEGAN = datetime(2026, 11, 23, 8, 0, tzinfo=VIETNAM)


# 0.3 s after the gateways' turn at 9:00:20, so that they look again soon when the clock is moved.
NOW = datetime(2026, 11, 23, 9, 0, 20, 300_000, tzinfo=VIETNAM)


@dataclass
class Province:
    """The running systems, an hour after they began, with a clock that the test moves."""

    at: Addresses
    settings: Settings
    world: World
    clock: FixedClock
    receiver: Receiver
    began_at_ms: int

    def pass_time(self, span: timedelta) -> None:
        self.clock.moment += span


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Province]:
    async with receiving() as receiver:
        settings = Settings(data_dir=folder, http_port=receiver.port, demonstration=True)
        clock = FixedClock(NOW)
        began_at_ms = state.began_at_ms(folder, BEGAN)
        async with simulated(settings, clock) as at:
            yield Province(at, settings, world_of(settings), clock, receiver, began_at_ms)
