"""Every KPI of the shipped catalogue equals its own SQL query over raw readings and cases, at three moments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from ioc.catalog import Catalog
from ioc.evaluation import Changes, Evaluator
from ioc.model.case import Case, CaseType
from ioc.model.kpi import CaseTime, Formula, KpiDefinition, MeasureAggregate
from ioc.model.reading import Reading
from ioc.model.unit import UnitLevel
from ioc.settings import VIETNAM
from ioc.store import Store
from tests.integration.evaluation.plain_sql import Recount, attribute_types, words_of
from tests.support.catalogs import hue
from tests.support.evaluation_centre import NOW, PROVINCE, EvaluationCentre
from tests.support.evaluation_data import before

MOMENTS = (NOW, datetime(2026, 11, 22, 17, 0, 40, tzinfo=UTC), datetime(2026, 12, 31, 17, 3, 5, tzinfo=UTC))
"""A Sunday afternoon, the first minute of the next day, the first minutes of the next year."""


def readings(catalog: Catalog, chance: Random, units: list[str]) -> Iterator[Reading]:
    for measure in catalog.vocabulary.measures.values():
        least = max(measure.least, -1000.0)
        steps = int(max(min(measure.most - least, 1000.0), 0) * 8)
        for number in range(30):
            value = least + chance.randint(0, steps) / 8
            yield Reading(measure.id, chance.choice(units), before(chance, NOW), value, f"S-{number % 3}")


def cases(catalog: Catalog, chance: Random, units: list[str]) -> Iterator[Case]:
    for case_type in catalog.vocabulary.case_types.values():
        types, words = attribute_types(catalog, case_type), words_of(catalog, case_type)
        for number in range(60):
            received = before(chance, NOW)
            attributes = {name: _attribute(chance, kind, words[name]) for name, kind in types.items()}
            case = Case(
                case_type.id, f"C-{number}", chance.choice(units), chance.choice(case_type.statuses), received,
                received,
                chance.choice(["online", "counter"]), f"1.00{number % 5}",
                received + timedelta(hours=chance.randrange(1, 400)) if chance.random() < 0.7 else None,
                None, attributes,
            )  # fmt: skip
            yield case
            yield from _later_versions(chance, case_type, case)


def _attribute(chance: Random, kind: str, words: list[str]) -> str | float | bool:
    if kind == "BOOLEAN":
        return chance.random() < 0.5
    return chance.randrange(40) / 4 if kind == "DOUBLE" else chance.choice(words)


def _later_versions(chance: Random, case_type: CaseType, case: Case) -> Iterator[Case]:
    moment = case.received_at
    for place in range(chance.randrange(3)):
        moment += max((NOW - moment) * chance.random(), timedelta(milliseconds=1))
        moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        closed = moment if place and chance.random() < 0.8 else None
        yield replace(case, status=chance.choice(case_type.statuses), updated_at=moment, closed_at=closed)


def tolerance(catalog: Catalog, definition: KpiDefinition) -> float:
    """Relative: sketches are not exact, and neither is what is made of them."""
    expression = definition.expression
    if isinstance(expression, Formula):
        return max(2 * tolerance(catalog, catalog.kpis[part]) for part in expression.parts)
    if isinstance(expression, MeasureAggregate):
        return {"quantile": 0.01, "distinct": 0.02}.get(expression.take, 1e-9)
    return 1e-7 if isinstance(expression, CaseTime) else 1e-9


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[EvaluationCentre]:
    store = Store.open(tmp_path / "ioc.duckdb", tmp_path / "archive", zone=VIETNAM)
    catalog = hue()
    yield EvaluationCentre(store, catalog, Evaluator(catalog, store, VIETNAM), tmp_path)
    store.close()


@pytest.mark.parametrize(
    "moments", [MOMENTS[:1], pytest.param(MOMENTS, marks=pytest.mark.soak)], ids=["an afternoon", "three moments"]
)
def test_every_kpi_equals_its_plain_query(centre: EvaluationCentre, moments: tuple[datetime, ...]) -> None:
    catalog, chance = centre.catalog, Random(20261122)
    department = next(u.code for u in catalog.vocabulary.units.values() if u.level is UnitLevel.DEPARTMENT)
    units = [PROVINCE, *centre.communes[:2], department]
    centre.read(*readings(catalog, chance, units))
    centre.hear(*cases(catalog, chance, units))
    with centre.store.cursor() as cursor:
        held = cursor.execute("FROM cases").to_arrow_table()
    recount = Recount(catalog, centre.readings, held)
    wrong: list[str] = []
    compared = 0
    for now in moments:
        values = centre.evaluated(Changes(), now)
        recount.at(now)
        for definition in catalog.kpis.values():
            for unit in [*units, centre.communes[5]]:
                if catalog.vocabulary.units[unit].level not in definition.per:
                    assert (definition.id, unit) not in values
                    continue
                said, counted = values[definition.id, unit].value, recount.of(definition.id, unit)
                allowed = tolerance(catalog, definition)
                alike = counted is None if said is None else counted == pytest.approx(said, rel=allowed, abs=1e-6)
                if not alike:
                    wrong.append(f"{definition.id} {unit} {now:%d/%m}: published {said}, counted {counted}")
                compared += said is not None
    assert not wrong, "\n".join([f"{len(wrong)} differ", *wrong[:40]])
    assert compared > len(catalog.kpis)
