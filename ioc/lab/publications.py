"""Keep the newest snapshot published: track the publication in use and make a new one for each newer snapshot."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress

from ioc.fault_register import FaultRegister
from ioc.lab.publishing.publish import Publication, PublishingFailed, in_use, published_dir
from ioc.messages import Message
from ioc.periodic_task import PeriodicTask
from ioc.periodic_thread import StepPolicy
from ioc.settings import Settings
from ioc.store.snapshot import Snapshot
from ioc.supervisor.child_processes import die_with_parent

_POLL_S = 1.0
_FIRST_RETRY_S = 5.0
"""First pause after a failure; doubles up to _MAX_RETRY_S. A shortage of descriptors or space often passes."""
_MAX_RETRY_S = 60.0
_LONGEST_S = 600.0


class Publications:
    """The publication in use.

    `error` is one sentence while the newest snapshot could not be published, otherwise empty.
    """

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
            _POLL_S,
            faults,
            policy=StepPolicy(_FIRST_RETRY_S, _MAX_RETRY_S),
        )
        self.error = ""

    def start(self) -> None:
        """Start to follow the snapshots."""
        self._task.start()

    async def close(self) -> None:
        """Stop; a publication under way is abandoned."""
        await self._task.close()

    def in_use(self) -> Publication | None:
        """Return the publication in use; None while there is none."""
        return self._published

    async def bring_up(self) -> Publication | None:
        """Publish the newest snapshot and return the publication then in use.

        A child process does the work, so that its memory is released afterwards. Raises PublishingFailed; the
        previous publication then stays in use.
        """
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
                    _, stderr = await process.communicate()
            except BaseException:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
                raise
            if process.returncode:
                last = (stderr.decode(errors="replace").strip().splitlines() or ["its process was ended"])[-1]
                self.error = Message("snapshot_not_in_use", reason=last)
                raise PublishingFailed(Message.of(self.error))
            self._published, self.error = in_use(published_dir(self._settings)), ""
            return self._published

    async def _step(self) -> None:
        await self.bring_up()
