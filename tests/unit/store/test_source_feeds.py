"""Which source feeds what, and which batches reached into closed days: in the tick that applies them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ioc.store import Store, apply_cases, apply_panes
from ioc.store.compaction import compact_positions
from ioc.store.source_feeds import read_feeds, read_last_fed
from ioc.store.store import transaction
from tests.support.store_batches import NOW, case, case_versions, one_pane

MIDNIGHT = NOW.replace(hour=17) - timedelta(days=1)
"""When the local day of NOW began."""
MINUTE = timedelta(minutes=1)
TODAY = 20_779
"""22 November 2026, in days since 1970."""


def minute_of(moment: datetime) -> int:
    return int(moment.timestamp() // 60)


def late(store: Store) -> list[tuple[object, ...]]:
    with store.cursor() as cursor:
        return cursor.execute(
            "SELECT source, kind, word, samples, late, first_day, last_day FROM late_batches ORDER BY ALL"
        ).fetchall()


@pytest.mark.parametrize(
    ("at", "day"),
    [
        pytest.param(MIDNIGHT, None, id="the first minute of the running day"),
        pytest.param(MIDNIGHT - MINUTE, TODAY - 1, id="the last minute of yesterday"),
        pytest.param(MIDNIGHT - timedelta(days=40), TODAY - 40, id="long ago"),
    ],
)
def test_readings_of_closed_days_are_noted(store: Store, at: datetime, day: int | None) -> None:
    apply_panes(store, one_pane(minute_of(at), n=3), one_pane(minute_of(NOW)), applied_at=NOW, source="meter")
    assert late(store) == ([] if day is None else [("meter", "measure", "air.pm25", 3, 3, day, day)])


@pytest.mark.parametrize(
    ("columns", "reached"),
    [
        pytest.param({"received_at": NOW, "updated_at": NOW}, [], id="all of it today"),
        pytest.param(
            {"received_at": NOW - timedelta(days=3), "updated_at": NOW},
            [("one-stop", "case_type", "dossier", 1, 0, TODAY - 3, TODAY - 3)],
            id="received earlier, changed today: reaches back, not late",
        ),
        pytest.param(
            {"received_at": NOW - timedelta(days=3), "updated_at": NOW - timedelta(days=1)},
            [("one-stop", "case_type", "dossier", 1, 1, TODAY - 3, TODAY - 1)],
            id="changed yesterday, heard of today: late",
        ),
        pytest.param(
            {"received_at": NOW, "updated_at": NOW, "closed_at": NOW - timedelta(days=2)},
            [("one-stop", "case_type", "dossier", 1, 0, TODAY - 2, TODAY - 2)],
            id="closed in the past, as is entered today",
        ),
        pytest.param(
            {"received_at": NOW, "updated_at": NOW, "due_at": NOW + timedelta(days=9)}, [], id="due in the future"
        ),
    ],
)
def test_cases_that_reach_closed_days_are_noted(
    store: Store, columns: dict[str, object], reached: list[tuple[object, ...]]
) -> None:
    apply_cases(store, case_versions(case(1, **columns)), applied_at=NOW, source="one-stop")  # type: ignore[arg-type]
    assert late(store) == reached


def test_feeds_add_up_over_ticks_and_compaction(store: Store) -> None:
    apply_panes(store, one_pane(minute_of(NOW), n=3), applied_at=NOW, source="meter")
    apply_panes(store, one_pane(minute_of(NOW), n=4), applied_at=NOW + MINUTE, source="meter")
    apply_panes(store, one_pane(minute_of(NOW), n=1), applied_at=NOW, source="other")
    commit = apply_cases(store, case_versions(case(1), case(2)), applied_at=NOW, source="other")
    assert commit.fed == {("other", "case_type", "dossier")}
    for _ in range(2):
        with store.cursor() as cursor:
            rows = cursor.execute(
                "SELECT source, word, sum(rows), min(first_at), max(last_at) FROM feeds GROUP BY ALL ORDER BY ALL"
            ).fetchall()
            began = NOW.replace(tzinfo=None)
            assert rows == [
                ("meter", "air.pm25", 7, began, began + MINUTE),
                ("other", "air.pm25", 1, began, began),
                ("other", "dossier", 2, began, began),
            ]
            assert read_feeds(cursor) == {
                ("measure", "air.pm25"): {"meter", "other"},
                ("case_type", "dossier"): {"other"},
            }
            assert read_last_fed(cursor)["meter"] == int((NOW + MINUTE).timestamp() * 1000)
            with transaction(cursor, store.path):
                compact_positions(cursor)
            assert cursor.execute("SELECT count(*) FROM feeds").fetchone() == (3,)
