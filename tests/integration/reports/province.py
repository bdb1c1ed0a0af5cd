"""A small province with months of history by seed: dossiers, petitions, readings, alerts; published as in a centre."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event
from unittest.mock import patch

import orjson

from ioc.catalog import Catalog
from ioc.clock import from_ms, to_ms
from ioc.evaluation import Evaluator, restater
from ioc.evaluation.affected_periods import kpi_inputs
from ioc.evaluation.history import Point
from ioc.evaluation.pane_reader import PaneReader
from ioc.evaluation.periods import PeriodKind
from ioc.evaluation.restater import LULL, QUIET_FOR, Restater
from ioc.model.alert import Transition, TransitionKind
from ioc.model.case import Case
from ioc.model.kpi import KpiValue
from ioc.model.reading import Reading
from ioc.model.rule import Severity
from ioc.reports.block_content import kpis_in
from ioc.reports.compose_issue import IssueContext, IssueOrder, compose
from ioc.reports.definition import Report
from ioc.reports.issue_content import Issue
from ioc.reports.loader import load_reports
from ioc.reports.periods import PeriodLength, parse_span
from ioc.settings import VIETNAM
from ioc.store import Store, apply_cases, apply_panes
from ioc.store.alerting import ActionRow, AlertStore, AlertWrite
from ioc.wire.schemas import cases_batch, readings_batch
from streams.reduce import reduce
from tests.support.catalogs import hue, kpis_of

NOW = datetime(2026, 11, 2, 0, 40, tzinfo=UTC)
"""A Monday morning: week 44, October and the third quarter are over."""
UNITS = ("46", "H57.12", "19753")
DAY = timedelta(days=1)
FEW = {PeriodKind.DAY: 8, PeriodKind.MONTH: 2, PeriodKind.QUARTER: 2, PeriodKind.YEAR: 1}


def small_catalog(reports: Iterable[Report]) -> Catalog:
    """Three units, and of the KPIs those that these reports name with what stands behind them."""
    small = kpis_of(hue(), [kpi for report in reports for kpi in kpis_in(report)])
    units = {code: small.vocabulary.units[code] for code in UNITS}
    return replace(small, vocabulary=replace(small.vocabulary, units=units))


@dataclass
class Province:
    """`now` is moved by the tests."""

    catalog: Catalog
    store: Store
    reports: dict[str, Report]
    now: datetime = NOW
    restater: Restater = field(init=False)

    def __post_init__(self) -> None:
        self.restater = Restater(self.store, VIETNAM, lambda: self.catalog)
        self.alerts = AlertStore(self.store)

    @classmethod
    def open(cls, folder: Path, length: PeriodLength | None = None) -> "Province":
        """Its reports are those of a length; without one, all but the quarters', whose KPIs are as many again."""
        every = load_reports(hue())
        reports = {
            report_id: report
            for report_id, report in every.items()
            if (report.length is length if length else report.length is not PeriodLength.QUARTER)
        }
        catalog = small_catalog(reports.values())
        store = Store.open(folder / "ioc.duckdb", folder / "archive", zone=VIETNAM)
        return cls(catalog, store, reports)

    def fill(self, seed: int) -> None:
        """Fourteen months; whatever changes later than a period's end belongs to the past of a first load."""
        chance = Random(seed)
        self.hear(*(version for number in range(240) for version in dossier(chance, number)))
        self.hear(*(version for number in range(40) for version in petition(chance, number)))
        words = {leaf.key for kpi in self.catalog.kpis.values() for leaf in kpi_inputs(kpi, self.catalog)}
        measures = [self.catalog.vocabulary.measures[word] for kind, word in sorted(words) if kind == "measure"]
        readings = []
        for measure in measures:
            for _ in range(8):
                least, most = max(measure.least, 0.0), min(measure.most, 90.0)
                value = least + (most - least) * chance.randrange(64) / 64
                readings.append(Reading(measure.id, chance.choice(UNITS), moment(chance), value))
        reduced = reduce(readings_batch(readings), self.catalog.vocabulary, to_ms(self.now))
        apply_panes(self.store, reduced.panes, applied_at=self.now, source="meters")
        self._ring(chance)

    def hear(self, *cases: Case) -> None:
        attributes = [orjson.dumps(case.attributes).decode() if case.attributes else None for case in cases]
        apply_cases(self.store, cases_batch(cases, attributes), applied_at=self.now, source="one-stop-shop")

    def settle(self) -> None:
        """Publish and restate all there is to."""
        with patch.object(restater, "PERIODS_BACK", FEW):
            for _ in range(2):
                self.now += QUIET_FOR + LULL
                for _ in range(100_000):
                    if not self.restater.step(self.now):
                        break

    def issue(self, report: str, period: str, **asked: object) -> Issue:
        cursor = self.store.cursor()
        ground = IssueContext(
            cursor=cursor,
            reader=PaneReader(cursor, self.store.archive_dir, self.store.zone_hours),
            catalog=self.catalog,
            zone=VIETNAM,
            taken_at=self.now,
            alerts=self.alerts,
            rules={},
            demonstration=True,
        )
        definition = self.reports[report]
        span = parse_span(definition.length, period, VIETNAM)
        return compose(ground, definition, span, IssueOrder("thử", self.now, **asked))  # type: ignore[arg-type]

    def _ring(self, chance: Random) -> None:
        moved, acts = [], []
        for number in range(160):
            severity, unit = chance.choice(list(Severity)), chance.choice(UNITS)
            onset = to_ms(moment(chance, 60 * DAY))
            if number % 3 == 0:
                onset = to_ms(NOW - 10 * DAY) + number * 9_000
            rule = f"rule-{number % 9}"
            fired = Transition.of(TransitionKind.FIRING, onset + 60_000, rule, unit, onset, severity, 1.0)
            moved.append(fired)
            if chance.random() < 0.8:
                end = onset + chance.randrange(70_000, 200_000_000)
                moved.append(Transition.of(TransitionKind.RESOLVED, end, rule, unit, onset, severity, 0.0))
            if chance.random() < 0.5:
                at = from_ms(onset + 60_000 + chance.randrange(3_600_000))
                acts.append(ActionRow(at, "lan", "acknowledge", fired.alert, rule, unit, ""))
        self.alerts.write(AlertWrite(transitions=sorted(moved, key=lambda one: one.at_ms), acts=acts), self.now)


class KpisOf:
    """The present values and the history of the API, from the evaluator of a province."""

    def __init__(self, province: Province) -> None:
        self._evaluator = Evaluator(province.catalog, province.store, VIETNAM)

    def values(self) -> Sequence[KpiValue]:
        return []

    def history(
        self, kpi: str, unit: str, begins: datetime, ends: datetime, step: timedelta, gone: Event
    ) -> list[Point]:
        return self._evaluator.history(kpi, unit, begins, ends, step, gone)


def moment(chance: Random, back: timedelta = 425 * DAY) -> datetime:
    return NOW - timedelta(milliseconds=chance.randrange(1, back // timedelta(milliseconds=1)))


def dossier(chance: Random, number: int) -> list[Case]:
    received = moment(chance) - timedelta(hours=1)
    due = received + timedelta(days=chance.randrange(1, 20))
    attributes: dict[str, str | float | bool] = {
        name: chance.random() < 0.7
        for name in (
            "digitised",
            "synchronised",
            "result_electronic",
            "reused",
            "shared",
            "population_used",
            "satisfied",
        )
    }
    attributes |= {"fee": chance.choice([0.0, 25000.0]), "paid_online": chance.random() < 0.5, "level": "full"}
    unit, channel = chance.choice(UNITS[1:]), chance.choice(["online", "counter"])
    case = Case(
        "dossier", f"D-{number}", unit, "received", received, received, channel, "1.004873", due, None, attributes
    )
    versions = [case]
    if chance.random() < 0.85:
        closed = received + (NOW - received) * min(1.0, chance.random() * 20 * DAY / (NOW - received + DAY))
        versions.append(replace(case, status="settled", updated_at=closed, closed_at=closed))
    return versions


def petition(chance: Random, number: int) -> list[Case]:
    received = moment(chance) - timedelta(hours=1)
    attributes: dict[str, str | float | bool] = {"field": "traffic"}
    unit = chance.choice(UNITS[1:])
    case = Case(
        "petition",
        f"P-{number}",
        unit,
        "received",
        received,
        received,
        "app",
        "",
        received + 15 * DAY,
        None,
        attributes,
    )
    closed = received + (NOW - received) * min(1.0, chance.random() * 30 * DAY / (NOW - received + DAY))
    rated = attributes | {"satisfied": chance.random() < 0.8}
    return [case, replace(case, status="answered", updated_at=closed, closed_at=closed, attributes=rated)]
