"""Publications as the lab sees them: the one in use, and a new one as soon as there is a newer snapshot."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress

from ioc.lab.publishing.publish import Publication, PublishingFailed, in_use, published_dir
from ioc.processes import die_with_parent
from ioc.settings import Settings
from ioc.store.snapshot import Snapshot

_LOOKS_EVERY_S = 1.0
_AGAIN_AFTER_S = 60.0
_LONGEST_S = 600.0

log = logging.getLogger("ioc.lab")


class Publications:
    """`error` is one sentence while the newest snapshot could not be published, else empty."""

    def __init__(self, settings: Settings, snapshot: Callable[[], Snapshot | None]) -> None:
        self._settings = settings
        self._snapshot = snapshot
        self._published: Publication | None = in_use(published_dir(settings))
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.error = ""

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

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

    async def _run(self) -> None:
        while True:
            try:
                await self.bring_up()
                await asyncio.sleep(_LOOKS_EVERY_S)
            except (PublishingFailed, TimeoutError, OSError) as fault:
                log.warning("%s", fault)
                await asyncio.sleep(_AGAIN_AFTER_S)
