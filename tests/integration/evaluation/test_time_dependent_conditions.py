"""Conditions that depend on time give the same history by bisection as point by point."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from unittest.mock import patch

import numpy as np
import pytest

from ioc.catalog import Catalog
from ioc.catalog.conditions import parse_condition
from ioc.evaluation import Evaluator, case_history
from ioc.evaluation.aggregate_functions import Whole
from ioc.evaluation.case_sql import CaseSql
from ioc.evaluation.history import unit_columns
from ioc.evaluation.pane_reader import PaneReader
from ioc.model.kpi import CaseCount
from ioc.settings import VIETNAM
from ioc.store import Store, transaction
from ioc.store.case_clocks import Clocks, keep_clocks
from tests.support.evaluation_centre import NOW, PROVINCE, EvaluationCentre
from tests.support.evaluation_data import cases

HOUR = timedelta(hours=1)
CONDITIONS = [
    pytest.param("closed_at is null and due_at < now", True, id="overdue: rises"),
    pytest.param("closed_at is null and due_at >= now", True, id="not due yet: falls"),
    pytest.param("due_at >= now and received_at < now - INTERVAL 6 HOUR", True, id="rises and falls"),
    pytest.param("working_days(due_at, now) > 3 and not (working_days(due_at, now) > 9)", True, id="working days"),
    pytest.param("closed_at is null or due_at < now or received_at < now - INTERVAL 9 DAY", True, id="two that rise"),
    pytest.param("due_at < now or received_at >= now - INTERVAL 2 DAY", False, id="or of both: point by point"),
    pytest.param("abs(working_days(due_at, now)) < 2", False, id="nobody can tell"),
    pytest.param("urgent and due_at < now", True, id="with an attribute"),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, packed: Catalog) -> Iterator[EvaluationCentre]:
    folder = tmp_path_factory.mktemp("turning")
    store = Store.open(folder / "ioc.duckdb", folder / "archive", zone=VIETNAM)
    centre = EvaluationCentre(store, packed, Evaluator(packed, store, VIETNAM), folder)
    centre.hear(*cases(Random(8), [*centre.communes[:3], PROVINCE], NOW, 400))
    with centre.store.cursor() as cursor, transaction(cursor, centre.store.path):
        keep_clocks(cursor, Clocks.of_catalog(centre.catalog), 7)
    yield centre
    centre.store.close()


@pytest.mark.parametrize(("where", "turns"), CONDITIONS)
def test_halving_is_point_by_point(told: EvaluationCentre, where: str, turns: bool) -> None:
    case_type = told.catalog.vocabulary.case_types["job"]
    assert (parse_condition(where, case_type).trends is not None) == turns
    by_halving, of = series(told, where), CaseSql.of
    with patch.object(case_history.CaseSql, "of", lambda *given: replace(of(*given), turns=None)):  # type: ignore[attr-defined]
        each = series(told, where)
    np.testing.assert_array_equal(by_halving, each)
    assert by_halving.min() < by_halving.max()


def series(centre: EvaluationCentre, where: str) -> Whole:
    definition = replace(centre.catalog.kpis["job.overdue"], expression=CaseCount("job", where))
    units = [PROVINCE, *centre.communes[:3]]
    start = NOW.replace(second=0) - 20 * 24 * HOUR
    times = [start + HOUR * step for step in range(1, 480)]
    with centre.store.cursor() as cursor, transaction(cursor, centre.store.path):
        reader = PaneReader(cursor, centre.store.archive_dir, centre.store.zone_hours)
        column = unit_columns(reader, centre.catalog, definition, units, times, VIETNAM)
    return column.samples
