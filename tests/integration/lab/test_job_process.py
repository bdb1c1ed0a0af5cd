"""The job process: results, exceptions unchanged, a killed process, a full queue."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from ioc.errors import ConfigurationInvalid
from ioc.lab import job_process as module
from ioc.lab.job_process import MAX_WAITING, ComputationFailed, JobProcess, LabBusy
from tests.integration.lab import job_functions


def gone(pid: int) -> None:
    """Wait until the process has ended."""
    until = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < until
        time.sleep(0.02)


async def test_answers_faults_and_death() -> None:
    beside = JobProcess(longest_s=5)
    try:
        assert await beside.run(job_functions.add, 1, other=2) == 3
        first = await beside.run(job_functions.process)
        assert first != os.getpid()
        with pytest.raises(ConfigurationInvalid, match="no such thing"):
            await beside.run(job_functions.refuse)
        with pytest.raises(ComputationFailed, match="ZeroDivisionError"):
            await beside.run(job_functions.fail)
        assert await beside.run(job_functions.process) == first
        os.kill(first, signal.SIGKILL)
        with pytest.raises(ComputationFailed, match="ended; try again"):
            await beside.run(job_functions.add, 1, 1)
        assert await beside.run(job_functions.add, 2, 2) == 4
    finally:
        await beside.close()


async def test_what_takes_too_long_ends_and_its_answer_is_nobodys() -> None:
    beside = JobProcess(longest_s=0.8)
    try:
        with pytest.raises(ComputationFailed, match=r"was not done within 3\.2 s"):
            await beside.run(job_functions.sleep, 30)
        slow = asyncio.create_task(beside.run(job_functions.sleep, 0.3))
        await asyncio.sleep(0.1)
        slow.cancel()
        assert await beside.run(job_functions.add, 1, 2) == 3
    finally:
        await beside.close()


async def test_too_many_are_refused_and_an_idle_process_ends() -> None:
    beside = JobProcess(idle_s=0.2)
    try:
        many = [asyncio.create_task(beside.run(job_functions.add, n, 0)) for n in range(MAX_WAITING + 1)]
        answers = await asyncio.gather(*many, return_exceptions=True)
        assert answers[:MAX_WAITING] == list(range(MAX_WAITING))
        assert isinstance(answers[MAX_WAITING], LabBusy)
        pid = await beside.run(job_functions.process)
        await asyncio.to_thread(gone, pid)
        assert await beside.run(job_functions.process) != pid
    finally:
        await beside.close()


async def test_a_process_for_what_is_scheduled_ends_at_once_unless_somebody_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "NEXT_WITHIN_S", 0.1)
    beside = JobProcess()
    try:
        scheduled = await beside.run_scheduled(job_functions.process)
        await asyncio.to_thread(gone, scheduled)
        asked = await beside.run(job_functions.process)
        assert await beside.run_scheduled(job_functions.process) == asked
        await asyncio.sleep(0.3)
        assert await beside.run(job_functions.process) == asked
    finally:
        await beside.close()
