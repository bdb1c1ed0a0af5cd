"""Deadlines and pauses that the store derives: days off, make-up days, supplements, any order, older files."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from ioc.model.case import Case, CaseClock
from ioc.settings import VIETNAM
from ioc.store import Clocks, Store, apply_cases
from tests.support.recount_clocks import CALENDAR, clock_says, holding
from tests.support.store_batches import case, case_versions

WORKING = CaseClock(working=True, pauses_in=("supplement",), due_in=5)
CLOCKS = {
    "dossier": WORKING,
    "petition": CaseClock(pauses_in=("supplement", "asked"), due_in=10),
    "document": CaseClock(working=True, pauses_in=("supplement",)),
}


def at(text: str) -> datetime:
    """`02-11 09:30`: of 2026, in the province."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=VIETNAM)


def opened(path: Path) -> Store:
    store = Store.open(path / "store.duckdb", path / "archive", zone=VIETNAM)
    store.keep_clocks(Clocks(CALENDAR, CLOCKS))
    return store


def says(store: Store) -> dict[str, tuple[datetime | None, int]]:
    with store.cursor() as cursor:
        rows = cursor.execute("SELECT case_id, deadline_at AT TIME ZONE 'UTC', pauses FROM cases").fetchall()
    return {case_id: (moment and moment.astimezone(VIETNAM), pauses) for case_id, moment, pauses in rows}


@pytest.mark.parametrize(
    ("received", "due", "steps", "deadline", "pauses"),
    [
        pytest.param("02-10 09:00", None, [], "02-24 23:59:59.999", 0, id="five working days across Tết"),
        pytest.param("04-24 09:00", None, [], "05-06 23:59:59.999", 0, id="Hung Kings made good, 30 April, 1 May"),
        pytest.param("08-27 09:00", None, [], "09-08 23:59:59.999", 0, id="31 August swapped, 1 and 2 September"),
        pytest.param("08-20 09:00", None, [], "08-26 23:59:59.999", 0, id="22 August, a Saturday, is worked"),
        pytest.param("01-05 09:00", None, [], "01-10 23:59:59.999", 0, id="10 January, a Saturday, is worked"),
        pytest.param("03-07 09:00", None, [], "03-13 23:59:59.999", 0, id="received on a Saturday"),
        pytest.param("03-02 09:00", "03-06 16:00", [], "03-06 16:00", 0, id="the source's own due time holds"),
        pytest.param(
            "03-02 09:00", "03-06 16:00",
            [("03-03 10:00", "supplement"), ("03-05 09:00", "processing")], "03-10 16:00", 1,
            id="two working days of supplement, over a weekend",
        ),
        pytest.param(
            "02-09 09:00", None,
            [("02-12 10:00", "supplement"), ("02-23 09:00", "processing")], "02-25 23:59:59.999", 1,
            id="a supplement across Tết takes two working days",
        ),
        pytest.param(
            "03-02 09:00", None,
            [("03-03 10:00", "supplement"), ("03-04 10:00", "processing"),
             ("03-05 10:00", "supplement"), ("03-06 10:00", "processing")], "03-11 23:59:59.999", 2,
            id="two supplements",
        ),
        pytest.param("03-02 09:00", None, [("03-03 10:00", "supplement")], None, 1, id="stands still: no deadline"),
        pytest.param(
            "03-02 09:00", "03-04 16:00",
            [("03-04 17:00", "supplement"), ("03-12 09:00", "processing")], "03-04 16:00", 1,
            id="too late before the supplement stays late",
        ),
        pytest.param(
            "03-02 09:00", "03-04 16:00", [("03-04 17:00", "supplement")], "03-04 16:00", 1,
            id="a clock that ran out does not stand",
        ),
        pytest.param(
            "03-02 09:00", None,
            [("03-03 10:00", "supplement"), ("03-03 11:00", "supplement"), ("03-03 15:00", "processing")],
            "03-09 23:59:59.999", 1, id="hours within a day move nothing, a repeated status is one pause",
        ),
    ],
)  # fmt: skip
def test_deadline(
    tmp_path: Path, received: str, due: str | None, steps: list[tuple[str, str]], deadline: str | None, pauses: int
) -> None:
    first = case(1, received_at=at(received), updated_at=at(received), due_at=at(due) if due else None)
    versions = [first, *(replace(first, updated_at=at(moment), status=status) for moment, status in steps)]
    store = opened(tmp_path)
    apply_cases(store, case_versions(*versions))
    assert says(store) == {first.case_id: (at(deadline) if deadline else None, pauses)}
    store.close()


def test_a_due_time_set_anew_by_the_source_is_not_moved_by_what_was_before(tmp_path: Path) -> None:
    first = case(1, received_at=at("03-02 09:00"), updated_at=at("03-02 09:00"), due_at=at("03-06 16:00"))
    asked = replace(first, status="supplement", updated_at=at("03-03 10:00"))
    back = replace(first, status="processing", updated_at=at("03-05 10:00"), due_at=at("03-10 16:00"))
    store = opened(tmp_path)
    apply_cases(store, case_versions(first, asked, back))
    assert says(store) == {first.case_id: (at("03-10 16:00"), 1)}
    store.close()


def lives(rng: random.Random, count: int) -> list[Case]:
    """Versions of random cases over the year 2026: pauses, new due times, clashing times, never closed or closed in a
    pause."""
    made: list[Case] = []
    for number in range(count):
        kind = rng.choice(list(CLOCKS))
        received = at("01-02 00:00") + timedelta(milliseconds=rng.randrange(300 * 86_400_000))
        if rng.random() < 0.1:
            received = received.replace(hour=0, minute=0, second=0, microsecond=0)
        due = received + timedelta(hours=rng.randrange(2, 500)) if rng.random() < 0.6 else None
        if due is not None and rng.random() < 0.2:
            due = due.replace(hour=0, minute=0, second=0, microsecond=0)
        version = case(number, case_type=kind, received_at=received, updated_at=received, due_at=due)
        made.append(version)
        for _ in range(rng.randrange(12)):
            step = timedelta(milliseconds=rng.choice([0, rng.randrange(9 * 86_400_000)]))
            status = rng.choice(["processing", "processing", "supplement", "supplement", "asked", "settled"])
            version = replace(
                version,
                updated_at=version.updated_at + step,
                status=status,
                closed_at=version.updated_at + step if status == "settled" else None,
            )
            if rng.random() < 0.15:
                version = replace(version, due_at=rng.choice([None, version.updated_at + timedelta(days=4)]))
            made.append(version)
    return made


def recounted(versions: Sequence[Case]) -> dict[str, tuple[datetime | None, int]]:
    of: dict[str, list[Case]] = {}
    for version in versions:
        of.setdefault(version.case_id, []).append(version)
    return {case_id: clock_says(holding(versions), CLOCKS[versions[0].case_type]) for case_id, versions in of.items()}


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 6))])
def test_any_order_and_repetition_gives_what_plain_python_counts(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    versions = lives(rng, 150)
    arrivals = versions + rng.choices(versions, k=80)
    rng.shuffle(arrivals)
    counted = recounted(arrivals)
    store = opened(tmp_path)
    while arrivals:
        size = rng.randrange(1, 120)
        part, arrivals = arrivals[:size], arrivals[size:]
        cut = rng.randrange(len(part) + 1)
        apply_cases(store, case_versions(*part[:cut]), case_versions(*part[cut:]))
    said = says(store)
    assert {
        case_id: (said[case_id], counted[case_id]) for case_id in counted if said[case_id] != counted[case_id]
    } == {}
    assert sum(pauses > 1 for _, pauses in counted.values()) > 10
    with store.cursor() as cursor:
        earliest = dict(cursor.execute("SELECT case_id, min(updated_at) FROM case_changes GROUP BY case_id").fetchall())
        assert dict(cursor.execute("SELECT case_id, first_at FROM cases").fetchall()) == earliest
    store.close()


def test_clocks_that_change_are_derived_anew_for_all_cases(tmp_path: Path) -> None:
    versions = lives(random.Random(9), 150)
    store = Store.open(tmp_path / "store.duckdb", tmp_path / "archive", zone=VIETNAM)
    apply_cases(store, case_versions(*versions))
    assert {pauses for _, pauses in says(store).values()} == {0}
    assert store.keep_clocks(Clocks(CALENDAR, CLOCKS)) == set(CLOCKS)
    assert says(store) == recounted(versions)
    assert store.keep_clocks(Clocks(CALENDAR, CLOCKS)) == set()
    assert store.keep_clocks(Clocks(CALENDAR, CLOCKS | {"petition": CaseClock()})) == {"petition"}
    told = says(store)
    plain = {version.case_id: version.due_at for version in _latest(versions) if version.case_type == "petition"}
    assert {case_id: told[case_id] for case_id in plain} == {case_id: (due, 0) for case_id, due in plain.items()}
    store.close()


def _latest(versions: Sequence[Case]) -> list[Case]:
    of: dict[str, list[Case]] = {}
    for version in versions:
        of.setdefault(version.case_id, []).append(version)
    return [holding(own)[-1] for own in of.values()]


OLD_LAYOUT = """
CREATE TABLE store_facts (version INTEGER NOT NULL, zone_hours INTEGER NOT NULL, made_at TIMESTAMP NOT NULL);
INSERT INTO store_facts VALUES (1, 7, '2026-01-01');
CREATE TABLE cases (
    case_type VARCHAR NOT NULL, case_id VARCHAR NOT NULL, unit VARCHAR NOT NULL, status VARCHAR NOT NULL,
    channel VARCHAR, service VARCHAR, received_at TIMESTAMP NOT NULL, due_at TIMESTAMP, closed_at TIMESTAMP,
    updated_at TIMESTAMP NOT NULL, attributes VARCHAR, case_key UBIGINT NOT NULL);
CREATE TABLE case_changes (
    case_type VARCHAR NOT NULL, case_id VARCHAR NOT NULL, unit VARCHAR NOT NULL, status VARCHAR NOT NULL,
    channel VARCHAR, service VARCHAR, received_at TIMESTAMP NOT NULL, due_at TIMESTAMP, closed_at TIMESTAMP,
    updated_at TIMESTAMP NOT NULL, attributes VARCHAR, applied_at TIMESTAMP NOT NULL);
ATTACH '{new}' AS new (READ_ONLY);
INSERT INTO cases SELECT * EXCLUDE (deadline_at, pauses, first_at) FROM new.cases;
INSERT INTO case_changes FROM new.case_changes"""


def test_a_file_of_the_first_layout_is_opened_and_goes_on(tmp_path: Path) -> None:
    """The old schema is written out here as it was."""
    rng = random.Random(3)
    versions = lives(rng, 120)
    cut = len(versions) // 2
    source = opened(tmp_path / "new")
    apply_cases(source, case_versions(*versions[:cut]))
    source.close()
    (tmp_path / "old").mkdir()
    with duckdb.connect(str(tmp_path / "old" / "store.duckdb")) as connection:
        connection.execute(OLD_LAYOUT.format(new=source.path))
    for _ in range(2):
        store = opened(tmp_path / "old")
        assert says(store) == recounted(versions[:cut])
        store.close()
    store = opened(tmp_path / "old")
    apply_cases(store, case_versions(*reversed(versions)))
    assert says(store) == recounted([*versions[:cut], *reversed(versions)])
    store.close()
