"""The pulse over a real evaluation: values go out soon after a commit, and stand there at once after a start."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from ioc.api.hub import Hub
from ioc.clock import SystemClock, to_ms
from ioc.evaluation import Evaluator
from ioc.model.kpi import KpiValue
from ioc.model.ledger import Ledger
from ioc.model.reading import Reading
from ioc.serving.pulse import Outlets, Pulse
from ioc.settings import VIETNAM
from ioc.store import apply_panes
from ioc.wire.schemas import readings_batch
from streams.reduce import reduce
from tests.integration.evaluation.conftest import Centre
from tests.running import wait_for


@dataclass
class Screen:
    """What the hub would send."""

    shown: dict[tuple[str, str], KpiValue] = field(default_factory=dict)
    replaced: int = 0

    def publish(self, *, kpis: Any = (), replace_kpis: bool = False, **_: object) -> None:
        self.replaced += replace_kpis
        self.shown |= {(value.id, value.unit): value for value in kpis}


def pulse(centre: Centre, path: Path) -> tuple[Pulse, Screen, Evaluator]:
    screen, evaluator = Screen(), Evaluator(centre.catalog, centre.store, VIETNAM, kept_path=path)
    outlets = Outlets(cast(Hub, screen), lambda _: None, tuple, lambda: cast(Ledger, None))
    return Pulse(evaluator, outlets, SystemClock()), screen, evaluator


def test_values_follow_commits_reloads_and_starts(centre: Centre) -> None:
    path, unit, now = centre.folder / "values.npz", centre.communes[0], datetime.now(UTC)
    running, screen, evaluator = pulse(centre, path)
    running.start()
    batch = readings_batch([Reading("t.level", unit, now - timedelta(seconds=1), 4.0)])
    reduced = reduce(batch, centre.catalog.vocabulary, to_ms(now))
    running.take(apply_panes(centre.store, reduced.panes))
    wait_for("the value", lambda: (value := screen.shown.get(("t.count_1h", unit))) and value.value == 1, 20)
    wait_for("all values", lambda: len(screen.shown) == len(evaluator.values()) and evaluator.published(), 20)
    running.replace_definitions()
    wait_for("the whole state anew", lambda: screen.replaced == 1, 20)
    running.stop()
    assert running.error == ""
    assert path.exists()
    _, screen, evaluator = pulse(centre, path)
    resumed = evaluator.resume(datetime.now(UTC))
    assert {value.id for value in resumed} == set(centre.catalog.kpis)
