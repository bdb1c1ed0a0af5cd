"""A small centre without Kafka: a real store, a catalogue with one KPI of each kind, readings through the reducer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import orjson

from ioc.catalog import Catalog, load
from ioc.clock import to_ms
from ioc.evaluation import Changes, Evaluator
from ioc.model.case import Case
from ioc.model.kpi import KpiDefinition, KpiValue
from ioc.model.reading import Reading
from ioc.model.unit import UnitLevel
from ioc.settings import VIETNAM
from ioc.store import Store, apply_cases, apply_panes
from ioc.store.apply import apply_keyed
from ioc.wire.schemas import cases_batch, readings_batch
from streams.keyed import keep_single
from streams.reduce import reduce
from tests.support.catalogs import hue, kpis_of

PACK = Path(__file__).with_name("evaluation_pack.toml").read_text(encoding="utf-8")


PROVINCE = "46"


NOW = datetime(2026, 11, 22, 8, 0, 30, tzinfo=UTC)
"""15:00:30 in the province, a Sunday."""


@dataclass
class EvaluationCentre:
    """A store and an evaluator, with all readings and cases that went in, for recounting."""

    store: Store
    catalog: Catalog
    evaluator: Evaluator
    folder: Path
    readings: list[Reading] = field(default_factory=list)
    versions: list[Case] = field(default_factory=list)

    @property
    def communes(self) -> list[str]:
        return [unit.code for unit in self.catalog.vocabulary.units.values() if unit.level is UnitLevel.COMMUNE]

    def units_of(self, definition: KpiDefinition) -> int:
        """Return the number of units that have a value of the KPI."""
        return sum(unit.level in definition.per for unit in self.catalog.vocabulary.units.values())

    def read(self, *readings: Reading, now: datetime = NOW) -> Changes:
        """Reduce and apply readings as one message."""
        reduced = reduce(readings_batch(readings), self.catalog.vocabulary, to_ms(now))
        assert reduced.applied == len(readings), reduced.rejections
        self.readings += readings
        return Changes.of([apply_panes(self.store, reduced.panes)])

    def correct(self, *readings: Reading, now: datetime = NOW, source: str = "statistics") -> Changes:
        """Apply readings as one message of a source that corrects itself.

        `readings` is not extended: the caller keeps the values that hold.
        """
        single = keep_single(readings_batch(readings), self.catalog.vocabulary, to_ms(now))
        assert single.applied == len(readings), single.rejections
        return Changes.of([apply_keyed(self.store, single.panes, applied_at=now, source=source)])

    def hear(self, *cases: Case) -> Changes:
        """Apply case versions as one message."""
        attributes = [orjson.dumps(case.attributes).decode() if case.attributes else None for case in cases]
        self.versions += cases
        return Changes.of([apply_cases(self.store, cases_batch(cases, attributes))])

    def evaluated(self, changes: Changes | None = None, now: datetime = NOW) -> dict[tuple[str, str], KpiValue]:
        """Evaluate, then return all present values by KPI and unit."""
        self.evaluator.evaluate(changes or Changes(), now)
        return by_kpi_and_unit(self.evaluator.values())

    def anew(self, now: datetime = NOW) -> dict[tuple[str, str], KpiValue]:
        """Return the values of a new evaluator."""
        evaluator = Evaluator(self.catalog, self.store, VIETNAM)
        return by_kpi_and_unit(evaluator.evaluate(Changes(), now))

    def redefine(self, text: str) -> None:
        """Reload with a changed pack."""
        (self.folder / "pack.toml").write_text(text, encoding="utf-8")
        self.catalog = own_catalog(self.folder)
        self.evaluator.reload(self.catalog)


MakeCentre = Callable[..., EvaluationCentre]


def by_kpi_and_unit(values: Iterable[KpiValue]) -> dict[tuple[str, str], KpiValue]:
    return {(value.id, value.unit): value for value in values}


def latest_versions(versions: Sequence[Case], at: datetime | None = None) -> list[Case]:
    """Return the latest version of each case (before `at`) by `updated_at`; no two may have the same time."""
    held: dict[str, Case] = {}
    for version in sorted(versions, key=lambda version: version.updated_at):
        if at is None or version.updated_at < at:
            held[version.case_id] = version
    return list(held.values())


def own_catalog(folder: Path) -> Catalog:
    """The catalogue with the packs of `folder`; of the 700 KPIs that are shipped, which would be most of the work, only
    those that the packs' formulas name (test_shipped.py has them all)."""
    catalog = load(PROVINCE, folder)
    return kpis_of(catalog, [kpi_id for kpi_id, kpi in catalog.kpis.items() if hue().kpis.get(kpi_id) != kpi])
