"""Every background thread of `ioc serve`: what fails in it is a fault of the centre at once, and it goes on."""

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from unittest.mock import MagicMock, patch

import pytest
from kafka.errors import KafkaConnectionError

from connectors.batching import Intake, PendingIntake
from connectors.producer import SharedProducer
from connectors.recovery import RecoveredState
from connectors.runner import Runner
from connectors.writer import SourceWriter
from ioc.broker.ports import any_free
from ioc.clock import SystemClock
from ioc.errors import BrokerUnavailable, SpoolFull, StoreUnavailable
from ioc.fault_register import FaultRegister
from ioc.messages import Message
from ioc.server import (
    alert_loop,
    machine_watch,
    outbox_sender,
    push_sources,
    restatement_loop,
    self_report,
    snapshots,
    source_watch,
)
from ioc.server.evaluation_loop import EvaluationLoop, EvaluationOutputs
from ioc.server.spool_watch import SpoolWatch
from ioc.settings import Settings
from ioc.store import Maintenance, Store, historian
from ioc.store.snapshot import SnapshotFailed
from tests.support.catalogs import hue
from tests.support.fake_centre import PUSH_SOURCE, source_state
from tests.support.running_centre import wait_for

CLOCK = SystemClock()
VISIBLE_WITHIN_S = 10
NO_DESCRIPTORS = OSError(24, "Too many open files")


@dataclass
class Broken:
    """Raise `failure` whatever is called, as often as it is called; count the calls."""

    failure: Exception
    calls: int = 0
    in_force: Any = field(default_factory=lambda: Anything())
    standing: Any = field(default_factory=lambda: Anything())

    def fail(self, *_: object, **__: object) -> Any:
        self.calls += 1
        raise self.failure

    def count(self) -> None:
        self.calls += 1

    step = refresh = run = cursor = is_due = waiting = fail


class Anything:
    """Give itself for every attribute, and nothing when iterated."""

    def __getattr__(self, _name: str) -> Any:
        return self

    def __call__(self, *_: object, **__: object) -> Any:
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def items(self) -> Any:
        return ()

    def keys(self) -> set[str]:
        return set()


def make_historian(broken: Broken, faults: FaultRegister, stack: ExitStack) -> Any:
    stack.enter_context(patch.object(historian, "Log", broken.fail))
    return historian.Historian(cast(Store, Anything()), "", {}, lambda _: None, faults=faults)


def make_maintenance(broken: Broken, faults: FaultRegister, _stack: ExitStack) -> Any:
    return Maintenance(cast(Any, broken), faults=faults)


def make_source_watch(broken: Broken, faults: FaultRegister, stack: ExitStack) -> Any:
    watch = source_watch.SourceWatch("127.0.0.1:1", {}, CLOCK, lambda _: None, faults)
    stack.enter_context(patch.object(watch, "_follow", broken.fail))
    return watch


def make_push_sources(broken: Broken, faults: FaultRegister, _stack: ExitStack) -> Any:
    return push_sources.PushSources(cast(Runner, broken), faults)


def make_outbox_sender(broken: Broken, faults: FaultRegister, stack: ExitStack) -> Any:
    sender = outbox_sender.OutboxSender(cast(Any, Anything()), dict, CLOCK, faults=faults)
    stack.enter_context(patch.object(sender, "_due", broken.fail))
    return sender


def make_self_report(broken: Broken, faults: FaultRegister, stack: ExitStack) -> Any:
    stack.enter_context(patch.object(self_report, "EVERY_S", 0.01))
    return self_report.SelfReport("46", broken.fail, lambda _: cast(SourceWriter, Anything()), CLOCK, faults)


def make_evaluation_loop(broken: Broken, faults: FaultRegister, _stack: ExitStack) -> Any:
    evaluator = cast(Any, Anything())
    evaluator.is_due = broken.fail
    return EvaluationLoop(
        evaluator, EvaluationOutputs(cast(Any, Anything()), lambda _: None, tuple, Anything()), CLOCK, faults
    )


def make_restatement_loop(broken: Broken, faults: FaultRegister, _stack: ExitStack) -> Any:
    restater = cast(Any, Anything())
    restater.step = broken.fail
    return restatement_loop.RestatementLoop(restater, CLOCK, faults)


def make_alert_loop(broken: Broken, faults: FaultRegister, _stack: ExitStack) -> Any:
    nothing = cast(Any, Anything())
    return alert_loop.AlertLoop(
        nothing,
        alert_loop.AlertInputs(dict, nothing, cast(Any, broken)),
        alert_loop.AlertOutputs(nothing, nothing, nothing),
        CLOCK,
        faults,
    )


def make_snapshots(broken: Broken, faults: FaultRegister, stack: ExitStack) -> Any:
    stack.enter_context(patch.object(snapshots, "FIRST_AFTER_S", 0.0))
    stack.enter_context(patch.object(snapshots, "take", broken.fail))
    return snapshots.Snapshots(cast(Store, Anything()), Path("none"), tuple, CLOCK, faults)


def make_machine(broken: Broken, faults: FaultRegister, stack: ExitStack) -> Any:
    """With used up descriptors, or a disk without room."""
    if isinstance(broken.failure, OSError):
        stack.enter_context(patch.object(machine_watch.os, "open", broken.fail))  # type: ignore[attr-defined]
    else:
        usage = MagicMock(free=1_000_000)
        stack.enter_context(patch.object(machine_watch.shutil, "disk_usage", lambda _: broken.count() or usage))  # type: ignore[attr-defined,func-returns-value]
    return machine_watch.MachineWatch(Path(), faults)


Make = Callable[[Broken, FaultRegister, ExitStack], Any]


@pytest.mark.parametrize(
    ("make", "name", "failure", "code"),
    [
        pytest.param(
            make_historian,
            "historian",
            BrokerUnavailable(Message.of("Away.")),
            "broker_away",
            id="historian, no broker",
        ),
        pytest.param(make_historian, "historian", OverflowError("too large"), "thread_failed", id="historian, poison"),
        pytest.param(
            make_historian,
            "historian",
            StoreUnavailable(Message.of("Full.")),
            "store_unavailable",
            id="historian, disk",
        ),
        pytest.param(
            make_maintenance,
            "store-maintenance",
            StoreUnavailable(Message.of("Full.")),
            "store_unavailable",
            id="store",
        ),
        pytest.param(make_source_watch, "source-watch", KafkaConnectionError(), "broker_away", id="source watch"),
        pytest.param(
            make_push_sources, "push-sources", ValueError("NetworkSelector closed!"), "thread_failed", id="push"
        ),
        pytest.param(make_outbox_sender, "deliveries", NO_DESCRIPTORS, "thread_failed", id="deliveries"),
        pytest.param(make_self_report, "self-report", SpoolFull(Message.of("Full.")), "spool_full", id="self-report"),
        pytest.param(make_evaluation_loop, "evaluation", KeyError("kpi"), "thread_failed", id="evaluation"),
        pytest.param(make_restatement_loop, "restating", ArithmeticError(), "thread_failed", id="restating"),
        pytest.param(
            make_alert_loop,
            "alerting",
            StoreUnavailable(Message.of("Full.")),
            "store_unavailable",
            id="alerting",
        ),
        pytest.param(make_machine, "machine", NO_DESCRIPTORS, "descriptors_used_up", id="descriptors"),
        pytest.param(make_machine, "machine", StoreUnavailable(Message.of("Full.")), "disk_full", id="disk"),
        pytest.param(
            make_snapshots,
            "snapshots",
            SnapshotFailed(Message.of("No room.")),
            "thread_failed",
            id="snapshots",
        ),
    ],
)
def test_a_failure_in_any_thread_is_visible(make: Make, name: str, failure: Exception, code: str) -> None:
    faults, broken = FaultRegister(), Broken(failure)
    with ExitStack() as stack:
        part = make(broken, faults, stack)
        part.start()
        [fault] = wait_for("the fault", faults.current, VISIBLE_WITHIN_S, every_s=0.01)
        assert fault.code == code
        assert fault.params.get("thread", name) == name, "a failure that is a fault of the centre names no thread"
        assert broken.calls >= 1
        part.stop()


@contextmanager
def push_runner(folder: Path, faults: FaultRegister) -> Iterator[Runner]:
    """A runner of push sources without a broker, in its thread."""
    (folder / "sources").mkdir()
    runner = Runner(Settings(folder, kafka=f"127.0.0.1:{any_free()}"), hue(), ("http_push",))
    running = push_sources.PushSources(runner, faults)
    running.start()
    yield runner
    running.stop()


def test_used_up_descriptors_do_not_end_the_push_sources(tmp_path: Path) -> None:
    faults = FaultRegister()
    with push_runner(tmp_path, faults) as runner:
        wait_for("a first round", lambda: runner._producer is not None, VISIBLE_WITHIN_S)
        with patch("pathlib.Path.is_dir", side_effect=NO_DESCRIPTORS):
            [fault] = wait_for("the fault", faults.current, VISIBLE_WITHIN_S)
            assert "Too many open files" in fault.detail
        content = 'kind = "http_push"\nname = { vi = "Thử", en = "Trial" }\n'
        (tmp_path / "sources" / "trial.toml").write_text(content, encoding="utf-8")
        wait_for("the source, after the fault", runner.states, VISIBLE_WITHIN_S)


def test_a_runner_that_fails_is_run_again(tmp_path: Path) -> None:
    faults, rounds = FaultRegister(), threading.Event()
    failures = [ValueError("NetworkSelector closed!")]

    async def report(_self: Runner) -> None:
        if failures:
            raise failures.pop()
        rounds.set()

    with patch.object(Runner, "_publish_states", report), push_runner(tmp_path, faults):
        [fault] = wait_for("the fault", faults.current, VISIBLE_WITHIN_S)
        assert "NetworkSelector closed!" in fault.detail
        assert rounds.wait(VISIBLE_WITHIN_S)


def test_a_source_is_free_again_when_its_disk_was_full_at_its_end(tmp_path: Path) -> None:
    """Else the next writer, after the source's file was edited, finds it run by another process for ever."""
    producer = SharedProducer(f"127.0.0.1:{any_free()}", tmp_path, partitions=1, measures={})
    writer = SourceWriter(producer, "trial")
    writer._queue.was_open = True
    pending = PendingIntake(Intake(requests={"key": {"a": 1}}), {}, Future(), ())  # type: ignore[arg-type]
    writer._buffer.append(pending)
    with patch("os.fsync", side_effect=OSError(28, "No space left on device")):
        writer.close(timeout_s=0)
    assert isinstance(pending.safe.exception(0), SpoolFull)
    again = SourceWriter(producer, "trial")
    again.close(timeout_s=0)
    producer.close()


def test_a_checkpoint_that_the_disk_does_not_take_is_tried_again(tmp_path: Path) -> None:
    """Else the source would be opening for ever, and each push be answered 503."""
    producer = SharedProducer(f"127.0.0.1:{any_free()}", tmp_path, partitions=1, measures={})
    opened = RecoveredState(1, {}, (0, 0), None)
    full = [OSError(28, "No space left on device")]

    def save(*_: object) -> None:
        if full:
            raise full.pop()

    with (
        patch("connectors.send_queue.recover", lambda *_, **__: replace(opened)),
        patch("connectors.send_queue.CheckpointFile.save", save),
    ):
        writer = SourceWriter(producer, "trial")
        wait_for("the reason", lambda: "No space left" in writer.error, VISIBLE_WITHIN_S, every_s=0.01)
        wait_for("the source", lambda: writer.is_open, VISIBLE_WITHIN_S)
        writer.close(timeout_s=0)
    producer.close()


@pytest.mark.parametrize(
    ("has_id", "replaced"), [(False, True), (True, False)], ids=["waits for its id", "waits for the broker"]
)
def test_a_producer_that_never_gets_its_id_is_replaced(tmp_path: Path, has_id: bool, replaced: bool) -> None:
    """As kafka-python leaves it when the broker is killed while it asks for one."""
    shared = SharedProducer(f"127.0.0.1:{any_free()}", tmp_path, partitions=1, measures={})
    producer, results = MagicMock(), []
    producer._transaction_manager.has_producer_id.return_value = has_id
    producer._transaction_manager.is_bumping_epoch.return_value = False
    shared._producer = producer
    with patch("connectors.producer._MAX_WAIT_FOR_ID_S", 0.0):
        shared.send("ioc.readings.v1", 0, b"", [], lambda *result: results.append(result))
        shared._step()
    assert (shared._producer is None, bool(results)) == (replaced, replaced)
    shared.close()


def test_a_disk_buffer_that_is_not_emptied_is_a_fault(tmp_path: Path) -> None:
    now = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
    (tmp_path / "spool").mkdir()
    spool, states = tmp_path / "spool" / f"{PUSH_SOURCE}.spool", [source_state(buffered=200_000)]
    watch = SpoolWatch(tmp_path, lambda: states)
    spool.write_bytes(b"x" * 33_000_000)
    assert list(watch(now)) == []
    [fault] = watch(now + timedelta(seconds=9))
    assert (fault.code, fault.since) == ("spool_waits", now)
    assert fault.params == {"source": PUSH_SOURCE, "megabytes": 33.0, "records": 200_000}
    states.clear()
    assert [fault.code for fault in watch(now + timedelta(seconds=10))] == ["spool_left"]
    spool.write_bytes(b"")
    assert list(watch(now + timedelta(seconds=11))) == []


ONE_SHOT_THREADS = {
    "connectors/producer.py": "closes a producer that was replaced, and ends",
    "ioc/broker/spawn.py": "holds the broker's process, and ends with it",
    "ioc/evaluation/history_limiter.py": "stops one query that nobody waits for, and ends with it",
    "ioc/lab/sandbox/worker.py": "stops one query that was cancelled, and ends with it",
    "ioc/periodic_thread.py": "the loop itself",
    "ioc/server/channel_sender.py": "one message through a library that may never return",
}


def test_no_background_thread_runs_unsupervised() -> None:
    root = Path(__file__).parents[3]
    found = {
        str(path.relative_to(root))
        for package in ("ioc", "connectors", "streams")
        for path in (root / package).rglob("*.py")
        if re.search(r"\bThread\(", re.sub(r"\w+Thread\(", "", path.read_text(encoding="utf-8")))
    }
    assert found == ONE_SHOT_THREADS.keys(), "use PeriodicThread, or say here why a thread needs no supervision"
