"""The centre's own figures are ordinary KPIs: readings, a value, a history, stale when no readings arrive."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pyarrow as pa

from connectors.batching import Intake
from connectors.writer import SourceWriter
from ioc.catalog.catalog import centre_kpis
from ioc.clock import FixedClock, to_ms
from ioc.evaluation import Changes, Evaluator
from ioc.model.kpi import Freshness
from ioc.server.self_report import SOURCE, SelfReport
from ioc.settings import VIETNAM
from ioc.store import Store, apply_panes
from streams.reduce import reduce
from tests.support.catalogs import hue
from tests.support.evaluation_centre import NOW

MINUTE = timedelta(minutes=1)


class Log:
    """Stand-in for the source's writer; batches go through the reducer into the store."""

    def __init__(self, store: Store, clock: FixedClock) -> None:
        self._store = store
        self._clock = clock

    def submit(self, intake: Intake) -> None:
        reduced = reduce(cast(pa.RecordBatch, intake.readings), hue().vocabulary, to_ms(self._clock.now()))
        assert not reduced.rejections
        apply_panes(self._store, reduced.panes)


def test_own_figures_have_value_history_and_age(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    store = Store.open(tmp_path / "ioc.duckdb", tmp_path / "archive", zone=VIETNAM)
    log = Log(store, clock)

    def figures(now: datetime) -> Mapping[str, float]:
        return dict.fromkeys(centre_kpis(hue()), (now - NOW) / MINUTE % 2)

    def writer_of(source: str) -> SourceWriter:
        assert source == SOURCE
        return cast(SourceWriter, log)

    report = SelfReport("46", figures, writer_of, clock)
    for _ in range(3):
        assert report.report() == len(centre_kpis(hue())) >= 23
        clock.moment += MINUTE
    evaluator = Evaluator(hue(), store, VIETNAM)
    evaluator.evaluate(Changes(), clock.now())
    told = {value.id: value for value in evaluator.values() if value.id in centre_kpis(hue())}
    assert {(value.value, value.freshness) for value in told.values()} == {(0.0, Freshness.LIVE)}
    start = NOW.replace(second=0)
    points = evaluator.history("alerts.flood_share", "46", start, start + 4 * MINUTE, MINUTE)
    assert [point.value for point in points] == [0, 1, 0, 0]
    clock.moment += 10 * MINUTE
    evaluator.evaluate(Changes(), clock.now())
    [silent] = [value for value in evaluator.values() if value.id == "centre.sources_silent"]
    assert silent.freshness is Freshness.STALE
    store.close()
