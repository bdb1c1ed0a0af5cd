"""Running report jobs: one job per report and period, however many people request it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ioc.errors import IocError
from ioc.lab.context import LabContext
from ioc.lab.report_making import ReportOrder, make
from ioc.messages import Message
from ioc.reports.issue_store import IssueId
from ioc.store.snapshot import Snapshot


class JobState(StrEnum):
    """The state of a report job."""

    MAKING = "making"
    DONE = "done"
    FAILED = "failed"


class AlreadyBeingMade(IocError):
    """The same issue is already being made, but will not be sent."""


@dataclass(eq=False)
class ReportJob:
    """A job that makes one issue.

    `order.period` is never empty. `progress` runs from 0 to 1; `issue` is set on success, `fault` on failure.
    """

    order: ReportOrder
    progress: float = 0.0
    state: JobState = JobState.MAKING
    issue: IssueId | None = None
    fault: Exception | None = None
    ended_at: datetime | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    async def wait(self, longest_s: float) -> bool:
        """Wait up to `longest_s` seconds; return whether the job has ended."""
        try:
            async with asyncio.timeout(longest_s):
                await self.ended.wait()
        except TimeoutError:
            return False
        return True


class ReportJobs:
    """The jobs of the lab.

    A job goes on when its requesters are gone. Use from the lab's event loop.
    """

    def __init__(self, parts: LabContext) -> None:
        self._parts = parts
        self._running: dict[tuple[str, str], ReportJob] = {}
        self._last: dict[str, ReportJob] = {}

    def start(self, snapshot: Snapshot, order: ReportOrder) -> ReportJob:
        """Return the running job of the same report and period, or start one.

        Raises AlreadyBeingMade when the running job will not be sent but this order asks for it.
        """
        key = order.report, order.period
        known = self._running.get(key)
        if known is not None:
            if order.sends and not (known.order.sends or known.order.scheduled):
                raise AlreadyBeingMade(Message("report_being_made", period=order.period))
            return known
        job = self._running[key] = ReportJob(order)
        job.task = asyncio.create_task(self._run(job, snapshot))
        return job

    def running(self, report: str) -> list[ReportJob]:
        return [job for (of, _), job in self._running.items() if of == report]

    def last(self, report: str) -> ReportJob | None:
        """Return a report's job that ended last since the lab started."""
        return self._last.get(report)

    async def close(self) -> None:
        tasks = [job.task for job in self._running.values() if job.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, job: ReportJob, snapshot: Snapshot) -> None:
        def on_progress(progress: float) -> None:
            job.progress = progress

        try:
            job.issue = await self._parts.for_reports.run_job(
                on_progress, make, snapshot, self._parts.settings, job.order
            )
            job.state, job.progress = JobState.DONE, 1.0
        except asyncio.CancelledError:
            job.state, job.fault = JobState.FAILED, IocError(Message("report_lab_stopped"))
            raise
        except Exception as fault:  # noqa: BLE001 - the job carries the failure to its requesters
            job.state, job.fault = JobState.FAILED, fault
        finally:
            job.ended_at = self._parts.clock.now()
            del self._running[job.order.report, job.order.period]
            self._last[job.order.report] = job
            job.ended.set()
