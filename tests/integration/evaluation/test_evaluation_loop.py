"""The evaluation loop over a real evaluation: values are published soon after a commit, and at once after a start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from ioc.api.live.hub import Hub
from ioc.clock import SystemClock, to_ms
from ioc.errors import StoreUnavailable
from ioc.evaluation import Evaluator
from ioc.fault_register import FaultRegister
from ioc.messages import Message
from ioc.model.kpi import KpiValue
from ioc.model.ledger import Ledger
from ioc.model.reading import Reading
from ioc.server.evaluation_loop import EvaluationLoop, EvaluationOutputs
from ioc.settings import VIETNAM
from ioc.store import apply_panes
from ioc.wire.schemas import readings_batch
from streams.reduce import reduce
from tests.support.evaluation_centre import EvaluationCentre
from tests.support.running_centre import wait_for

FAULTS = FaultRegister()


@dataclass
class Screen:
    """What the hub would send."""

    shown: dict[tuple[str, str], KpiValue] = field(default_factory=dict)
    replaced: int = 0

    def publish(self, *, kpis: Any = (), replace_kpis: bool = False, **_: object) -> None:
        self.replaced += replace_kpis
        self.shown |= {(value.id, value.unit): value for value in kpis}


def no_ledger() -> Ledger:
    return cast(Ledger, None)


def pulse(
    centre: EvaluationCentre, path: Path, ledger: Callable[[], Ledger] = no_ledger
) -> tuple[EvaluationLoop, Screen, Evaluator]:
    screen, evaluator = Screen(), Evaluator(centre.catalog, centre.store, VIETNAM, kept_path=path)
    outlets = EvaluationOutputs(cast(Hub, screen), lambda _: None, tuple, ledger)
    return EvaluationLoop(evaluator, outlets, SystemClock(), FAULTS), screen, evaluator


def test_values_follow_commits_reloads_and_starts(centre: EvaluationCentre) -> None:
    path, unit, now = centre.folder / "values.npz", centre.communes[0], datetime.now(UTC)
    running, screen, evaluator = pulse(centre, path)
    running.start()
    batch = readings_batch([Reading("t.level", unit, now - timedelta(seconds=1), 4.0)])
    reduced = reduce(batch, centre.catalog.vocabulary, to_ms(now))
    running.add_commit(apply_panes(centre.store, reduced.panes))
    wait_for("the value", lambda: (value := screen.shown.get(("t.count_1h", unit))) and value.value == 1, 20)
    wait_for("all values", lambda: len(screen.shown) == len(evaluator.values()) and evaluator.published(), 20)
    running.replace_definitions()
    wait_for("the whole state anew", lambda: screen.replaced == 1, 20)
    running.stop()
    assert FAULTS.current() == ()
    assert path.exists()
    _, screen, evaluator = pulse(centre, path)
    resumed = evaluator.resume(datetime.now(UTC))
    assert {value.id for value in resumed} == set(centre.catalog.kpis)


def test_what_a_failure_kept_from_the_screen_is_told_once_it_is_over(centre: EvaluationCentre) -> None:
    failures = [StoreUnavailable(Message.of("The disk is full."))]

    def ledger() -> Ledger:
        """Read after the first values are computed, and before they are told."""
        if failures:
            raise failures.pop()
        return no_ledger()

    running, screen, evaluator = pulse(centre, centre.folder / "values.npz", ledger)
    running.start()
    wait_for("all values", lambda: evaluator.published() and len(screen.shown) == len(evaluator.values()), 20)
    running.stop()
    assert not failures
    assert screen.shown == {(value.id, value.unit): value for value in evaluator.values()}
