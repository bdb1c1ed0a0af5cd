"""Publications as the lab sees them: the one in use, and a new one as soon as there is a newer snapshot."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress

from ioc.fault_register import FaultRegister
from ioc.lab.publishing.publish import Publication, PublishingFailed, in_use, published_dir
from ioc.periodic_task import PeriodicTask
from ioc.settings import Settings
from ioc.store.snapshot import Snapshot
from ioc.supervisor.child_processes import die_with_parent

_LOOKS_EVERY_S = 1.0
_AGAIN_AFTER_S = 5.0
"""Doubles up to _AGAIN_AFTER_AT_MOST_S: what was short of descriptors or room for a moment is soon well again."""
_AGAIN_AFTER_AT_MOST_S = 60.0
_LONGEST_S = 600.0


class Publications:
    """`error` is one sentence while the newest snapshot could not be published, else empty."""

    def __init__(
        self, settings: Settings, snapshot: Callable[[], Snapshot | None], faults: FaultRegister | None = None
    ) -> None:
        self._settings = settings
        self._snapshot = snapshot
        self._published: Publication | None = in_use(published_dir(settings))
        self._turn = asyncio.Lock()
        self._task = PeriodicTask(
            "publications",
            self._step,
            _LOOKS_EVERY_S,
            faults,
            first_back_off_s=_AGAIN_AFTER_S,
            max_back_off_s=_AGAIN_AFTER_AT_MOST_S,
        )
        self.error = ""

    def start(self) -> None:
        self._task.start()

    async def close(self) -> None:
        await self._task.close()

    def in_use(self) -> Publication | None:
        return self._published

    async def bring_up(self) -> Publication | None:
        """The newest snapshot is in use when this returns; a process of its own makes the publication, so that what it
        needs of memory is needed only meanwhile. Raises PublishingFailed; the one before stays in use."""
        async with self._turn:
            newest = self._snapshot()
            if newest is None or (self._published is not None and self._published.stamp >= newest.stamp):
                return self._published
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "ioc.lab.publishing.publish",
                env={**os.environ, "IOC_DATA_DIR": str(self._settings.data_dir), "MALLOC_ARENA_MAX": "2"},
                stdin=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                preexec_fn=die_with_parent,
            )
            try:
                async with asyncio.timeout(_LONGEST_S):
                    _, told = await process.communicate()
            except BaseException:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
                raise
            if process.returncode:
                last = (told.decode(errors="replace").strip().splitlines() or ["its process was ended"])[-1]
                self.error = f"The newest snapshot is not in use: {last}"
                raise PublishingFailed(self.error)
            self._published, self.error = in_use(published_dir(self._settings)), ""
            return self._published

    async def _step(self) -> None:
        await self.bring_up()
