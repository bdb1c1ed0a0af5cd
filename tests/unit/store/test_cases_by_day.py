"""Cases known by the day only: of versions of one day the last to arrive holds, within one batch by the life cycle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ioc.model.case import Case
from ioc.settings import VIETNAM
from ioc.store import Clocks, Store, apply_cases
from tests.support.recount_clocks import CALENDAR
from tests.support.store_batches import case, case_versions

DAY = datetime(2026, 11, 30, tzinfo=VIETNAM)
TICK = datetime(2026, 12, 1, 1, 0, 0, 123_456, tzinfo=UTC)
LIFE = ("received", "processing", "settled", "archived")


def versions(*statuses: str) -> list[Case]:
    """A status, or `status@unit`."""
    made = []
    for text in statuses:
        status, _, unit = text.partition("@")
        made.append(replace(case(1, received_at=DAY, updated_at=DAY), status=status, unit=unit or "19753"))
    return made


@pytest.mark.parametrize(
    ("ticks", "holds"),
    [
        pytest.param(
            [[["received", "processing"]]], "processing@19753", id="one batch, in the order of the life cycle"
        ),
        pytest.param([[["processing", "received"]]], "processing@19753", id="one batch that lists the newest first"),
        pytest.param([[["received"], ["processing"]]], "processing@19753", id="two batches"),
        pytest.param([[["received"]], [["processing"]]], "processing@19753", id="two ticks"),
        pytest.param([[["received"]], [["settled"]], [["archived"]]], "archived@19753", id="not by the alphabet"),
        pytest.param([[["settled"]], [["processing"]]], "processing@19753", id="opened again"),
        pytest.param([[["settled"], ["processing"]]], "processing@19753", id="opened again within a tick"),
        pytest.param([[["received@19756"]], [["received@19753"]]], "received@19753", id="handed on the same day"),
        pytest.param([[["received@19756", "received@19753"]]], "received@19753", id="handed on, in the order of rows"),
        pytest.param([[["received"]], [["processing"]], [["received"]]], "processing@19753", id="an old row again"),
        pytest.param([[["received", "processing"]], [["received", "processing"]]], "processing@19753", id="all again"),
    ],
)
def test_version_that_holds(tmp_path: Path, ticks: Sequence[Sequence[Sequence[str]]], holds: str) -> None:
    """In the table of cases, and in their history."""
    store = Store.open(tmp_path / "store.duckdb", tmp_path / "archive", zone=VIETNAM)
    store.keep_clocks(Clocks(CALENDAR, statuses={"dossier": LIFE}))
    for number, batches in enumerate(ticks):
        some = [case_versions(*versions(*statuses)) for statuses in batches]
        apply_cases(store, *some, applied_at=TICK + timedelta(milliseconds=number))
    with store.cursor() as cursor:
        assert cursor.execute("SELECT status || '@' || unit FROM cases").fetchall() == [(holds,)]
        last = "SELECT status || '@' || unit FROM case_changes ORDER BY updated_at DESC, applied_at DESC LIMIT 1"
        assert cursor.execute(last).fetchall() == [(holds,)]
        [(distinct,)] = cursor.execute("SELECT count(DISTINCT applied_at) = count(*) FROM case_changes").fetchall()
        assert distinct
    store.close()
