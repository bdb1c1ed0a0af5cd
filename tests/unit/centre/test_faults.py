"""Codes of faults, the register that holds them, and the loop under every background thread."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest

from ioc.clock import FixedClock
from ioc.errors import BrokerUnavailable, IocError, SpoolFull, StoreUnavailable
from ioc.fault_register import FaultRegister
from ioc.messages import Message
from ioc.model.fault import Fault
from ioc.periodic_task import PeriodicTask
from ioc.periodic_thread import THREAD_LOST_EXIT_CODE, PeriodicThread, StepPolicy
from ioc.server.lab_watch import LabAway

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
PATIENCE_S = 10.0


def test_a_fault_keeps_its_beginning_until_it_is_cleared() -> None:
    clock = FixedClock(NOW)
    faults = FaultRegister(clock)
    faults.report("historian", "broker_away", thread="historian", reason="refused")
    clock.moment += timedelta(minutes=1)
    faults.report("historian", "broker_away", thread="historian", reason="no answer")
    faults.report("evaluation", "thread_failed", thread="evaluation", reason="KeyError()")
    assert [(fault.code, fault.since) for fault in faults.current()] == [
        ("broker_away", NOW),
        ("thread_failed", NOW + timedelta(minutes=1)),
    ]
    assert "no answer" in faults.current()[0].text("vi")
    faults.clear("historian")
    assert [fault.code for fault in faults.current()] == ["thread_failed"]


@pytest.mark.parametrize(
    ("failure", "code", "reason"),
    [
        pytest.param(
            OSError(24, "Too many open files"), "thread_failed", "Too many open files", id="descriptors used up"
        ),
        pytest.param(
            StoreUnavailable(Message.of("The disk is full.")), "store_unavailable", "The disk is full", id="disk full"
        ),
        pytest.param(BrokerUnavailable(Message.of("No broker.")), "broker_away", "No broker", id="broker away"),
        pytest.param(SpoolFull(Message.of("At its bound.")), "spool_full", "At its bound", id="spool full"),
    ],
)
def test_a_failing_step_is_a_fault_until_it_succeeds_again(failure: Exception, code: str, reason: str) -> None:
    seen: list[tuple[str, str]] = []
    worked = threading.Event()

    def step() -> float:
        seen.extend((fault.code, str(fault.params["reason"])) for fault in thread.faults.current())
        if len(seen) < 2:
            raise failure
        worked.set()
        return 0.01

    thread = PeriodicThread("push-sources", step, 1.0, policy=StepPolicy(max_back_off_s=0.01, settle_s=0.0))
    thread.start()
    assert worked.wait(PATIENCE_S)
    thread.stop(PATIENCE_S)
    assert {found for found, _ in seen} == {code}
    assert all(reason in text for _, text in seen)
    assert thread.faults.current() == ()


def test_a_fault_does_not_flap_between_two_failures() -> None:
    faults = FaultRegister(FixedClock(NOW))
    faults.report("outlet", "thread_failed", thread="outlet", reason="KeyError()")
    faults.clear("outlet", settle_s=3600)
    assert [fault.code for fault in faults.current()] == ["thread_failed"]
    faults.report("outlet", "thread_failed", thread="outlet", reason="KeyError()")
    faults.clear("outlet")
    assert faults.current() == ()


def test_a_step_that_does_not_return_is_a_fault() -> None:
    entered, end = threading.Event(), threading.Event()

    def step() -> None:
        entered.set()
        end.wait(PATIENCE_S)

    thread = PeriodicThread("historian", step, 1.0, policy=StepPolicy(stuck_after_s=0.0))
    thread.start()
    assert entered.wait(PATIENCE_S)
    assert [fault.code for fault in thread.faults.current()] == ["thread_stuck"]
    end.set()
    thread.stop(PATIENCE_S)
    assert thread.faults.current() == ()


@pytest.mark.parametrize(
    "ending",
    [
        pytest.param("def step(): raise SystemExit(0)", id="the thread ends itself"),
        pytest.param(
            "def step(): raise ValueError()\nthread_module.reason_of = lambda failure: 1 / 0",
            id="its failure cannot be handled",
        ),
    ],
)
def test_a_lost_thread_ends_its_process(ending: str) -> None:
    program = (
        "import time\nimport ioc.periodic_thread as thread_module\n"
        f"{ending}\nthread_module.PeriodicThread('historian', step, 1.0).start()\ntime.sleep(20)"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == THREAD_LOST_EXIT_CODE
    assert "thread historian is lost" in run.stderr


def test_a_wake_during_a_step_begins_the_next_one_at_once() -> None:
    steps: list[int] = []
    second = threading.Event()

    def step() -> None:
        steps.append(1)
        if len(steps) == 1:
            thread.wake()
        else:
            second.set()

    thread = PeriodicThread("deliveries", step, 3600.0)
    thread.start()
    assert second.wait(PATIENCE_S)
    thread.stop(PATIENCE_S)


def test_a_fault_has_its_sentence() -> None:
    fault = Fault.of("thread_stuck", NOW, thread="historian", seconds=12)
    assert fault.detail.startswith("The background task historian has not moved for 12 s")
    assert fault.text("vi").startswith("Tác vụ nền historian")
    with pytest.raises(KeyError):
        Fault.of("no_such_code", NOW)


async def test_a_failing_task_of_an_event_loop_is_a_fault_and_goes_on() -> None:
    faults, done = FaultRegister(), asyncio.Event()
    seen: list[str] = []

    async def step() -> float:
        seen.extend(fault.code for fault in faults.current())
        if not seen:
            raise OSError(24, "Too many open files")
        done.set()
        return 3600.0

    task = PeriodicTask("publications", step, 1.0, faults, policy=StepPolicy(max_back_off_s=0.01, settle_s=0.0))
    task.start()
    await asyncio.wait_for(done.wait(), PATIENCE_S)
    await task.close()
    assert seen == ["thread_failed"]
    assert faults.current() == ()


def subclasses(kind: type[IocError]) -> Iterator[type[IocError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from subclasses(below)


def test_every_failure_of_a_task_can_be_said() -> None:
    """A code that needs more than the task and the reason would end the thread that reports it."""
    for name in ("ioc.commands.serve", "ioc.commands.connect", "ioc.commands.lab", "connectors.runner"):
        import_module(name)
    codes = {kind.fault_code for kind in subclasses(IocError)} - {LabAway.fault_code}  # it brings its own message
    assert {"thread_failed", "broker_away", "store_unavailable", "disk_full", "topics_missing"} <= codes
    for code in codes:
        assert Fault.of(code, NOW, thread="historian", reason="so").text("vi")
