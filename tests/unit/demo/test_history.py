from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ioc.catalog import load as load_catalog
from ioc.demo.habits import RunsLate
from ioc.demo.history import load
from ioc.demo.history.plan import DAYS, plan
from ioc.demo.places import World
from ioc.demo.world import dossiers, petitions
from ioc.demo.world.cases import Cases
from ioc.model.unit import UnitLevel
from ioc.wire import arrow
from ioc.wire.schemas import CASES, READINGS
from tests.unit.demo.moments import at, day

BEGAN = "2026-11-23 08:40"
CUT = 6
DAY_MS = 24 * 3_600_000


class Writer:
    """Keeps what is written; refuses from batch `refuses` on, as a writer whose broker is away."""

    def __init__(self, refuses: int = 10**9) -> None:
        self.batches: list[pa.RecordBatch] = []
        self.refuses = refuses
        self.flushed = False

    @property
    def position(self) -> Any:
        return len(self.batches) or None

    def add_readings(self, readings: pa.RecordBatch, position: Any) -> None:
        self._add(readings, position, READINGS)

    def add_cases(self, cases: pa.RecordBatch, position: Any) -> None:
        self._add(cases, position, CASES)

    def flush(self) -> None:
        self.flushed = True

    def _add(self, batch: pa.RecordBatch, position: Any, schema: pa.Schema) -> None:
        if position > self.refuses:
            raise ConnectionError("away")
        assert position == len(self.batches) + 1
        assert batch.schema == schema
        self.batches.append(batch)


@pytest.fixture(
    scope="module",
    params=[pytest.param(98, id="14 weeks"), pytest.param(DAYS, id="a year", marks=pytest.mark.soak)],
)
def days(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def whole(world: World, days: int) -> list[pa.RecordBatch]:
    writer = Writer()
    seen: list[tuple[int, int]] = []
    rows = load(world, at(BEGAN), writer, lambda done, total, _rows: seen.append((done, total)), days)
    assert writer.flushed
    assert rows == sum(batch.num_rows for batch in writer.batches)
    assert seen == [(n + 1, len(writer.batches)) for n in range(len(writer.batches))]
    return writer.batches


def readings(batches: list[pa.RecordBatch]) -> pa.Table:
    return pa.Table.from_batches([b for b in batches if b.schema == READINGS]).unify_dictionaries()


def cases(batches: list[pa.RecordBatch]) -> pa.Table:
    return pa.Table.from_batches([b for b in batches if b.schema == CASES]).unify_dictionaries()


def ms(moments: pa.ChunkedArray) -> np.ndarray:
    return moments.cast(pa.int64()).to_numpy()


def test_volumes_of_a_year(whole: list[pa.RecordBatch], days: int) -> None:
    """The last day comes by the minute, all others by the hour."""
    older = np.count_nonzero(ms(readings(whole)["time"]) < at(BEGAN) - DAY_MS)
    assert 3_000_000 < readings(whole).num_rows + older * (DAYS - days) / (days - 1) < 6_000_000
    assert 500_000 < cases(whole).num_rows * DAYS / days < 1_300_000
    assert max(batch.num_rows for batch in whole) < 70_000


def test_batches_are_the_same_at_every_start(world: World, days: int, whole: list[pa.RecordBatch]) -> None:
    steps = plan(world, at(BEGAN), days)
    for number in (0, 7, 8, len(steps) - 1):
        assert steps[number].make().equals(whole[number])


def test_a_stopped_load_goes_on_and_repeats_nothing(world: World, days: int, whole: list[pa.RecordBatch]) -> None:
    writer = Writer(refuses=CUT)
    with pytest.raises(ConnectionError):
        load(world, at(BEGAN), writer, lambda *_: None, days)
    assert len(writer.batches) == CUT
    made: list[int] = []

    class Last(Writer):
        position = len(whole) - 2

        def _add(self, batch: pa.RecordBatch, position: Any, schema: pa.Schema) -> None:
            made.append(position)
            assert batch.equals(whole[position - 1])

    load(world, at(BEGAN), Last(), lambda *_: None, days)
    assert made == [len(whole) - 1, len(whole)]


def test_nothing_is_made_when_all_is_there(world: World) -> None:
    class Done(Writer):
        position = 10**6

    writer = Done()
    assert load(world, at(BEGAN), writer, lambda *_: None) == 0
    assert not writer.flushed


def test_readings_end_where_the_live_systems_begin(whole: list[pa.RecordBatch], days: int) -> None:
    table = readings(whole)
    times = ms(table["time"])
    assert times.max() <= at(BEGAN)
    assert at(BEGAN) - times.max() <= 60_000
    assert times.min() <= at("2026-11-24 07:00") - days * DAY_MS
    last_day = times >= at(BEGAN) - DAY_MS
    lgsp = pc.equal(table["measure"].cast(pa.string()), "lgsp.transactions").to_numpy()
    assert (np.unique(times[lgsp & last_day]) % 60_000 == 0).all()
    assert len(np.unique(times[lgsp & last_day])) == 24 * 60
    assert (times[lgsp & (times < at("2026-11-22 00:00"))] % 3_600_000 == 0).all()


def test_no_delta_is_given_twice(whole: list[pa.RecordBatch]) -> None:
    table = readings(whole)
    deltas = pc.is_in(table["measure"].cast(pa.string()), pa.array(["lgsp.transactions", "traffic.vehicles"]))
    table = table.filter(deltas)
    keys = table.select(["measure", "unit", "subject", "time"])
    keys = keys.set_column(0, "measure", keys["measure"].cast(pa.string())).combine_chunks()
    columns = [keys["measure"], keys["unit"].cast(pa.string()), keys["subject"].cast(pa.string()), keys["time"]]
    plain = pa.table(columns, names=["m", "u", "s", "t"])
    assert plain.group_by(["m", "u", "s", "t"]).aggregate([]).num_rows == plain.num_rows


def test_every_value_is_in_the_measures_range(whole: list[pa.RecordBatch]) -> None:
    vocabulary = load_catalog("46").vocabulary
    table = readings(whole)
    spans = pa.table({"m": table["measure"].cast(pa.string()), "v": table["value"]})
    spans = spans.group_by("m").aggregate([("v", "min"), ("v", "max")])
    for row in spans.to_pylist():
        measure = vocabulary.measures[row["m"]]
        assert measure.least <= row["v_min"] <= row["v_max"] <= measure.most, row
    places = {code for code, unit in vocabulary.units.items() if unit.level is not UnitLevel.DEPARTMENT}
    assert places <= set(pc.unique(table["unit"].cast(pa.string())).to_pylist()) <= set(vocabulary.units)


def test_batches_travel_as_arrow_streams(whole: list[pa.RecordBatch]) -> None:
    for batch in whole[:8]:
        sent = arrow.encode(batch)
        assert len(sent) < 4 * 1024 * 1024
        assert arrow.decode(sent, batch.schema)[0].num_rows == batch.num_rows


def case_versions(table: pa.Table) -> Iterator[tuple[str, int, str]]:
    yield from zip(
        table["case_id"].to_pylist(),
        ms(table["updated_at"]).tolist(),
        table["status"].cast(pa.string()).to_pylist(),
        strict=True,
    )


@pytest.mark.parametrize("kind", ["dossier", "petition"])
def test_live_versions_continue_the_history(world: World, whole: list[pa.RecordBatch], kind: str) -> None:
    """History up to the joint and live versions behind it give every case's true state three days later."""
    joint, later = at(BEGAN), at(BEGAN) + 3 * 86_400_000
    make = dossiers.dossiers if kind == "dossier" else petitions.petitions
    truth: Cases = make(world, day("2026-08-15"), day("2026-11-27"))
    late = RunsLate().seen_after_ms(world, truth) if kind == "petition" else 0
    table = cases(whole)
    chosen = pc.and_(
        pc.equal(table["case_type"].cast(pa.string()), kind),
        pc.greater_equal(table["received_at"].cast(pa.int64()), at("2026-09-01 00:00")),
    )
    state: dict[str, tuple[int, str]] = {}
    in_history = set()
    for case_id, updated, status in case_versions(table.filter(chosen)):
        in_history.add((case_id, updated, status))
        state[case_id] = max(state.get(case_id, (0, "")), (updated, status))
    open_at_joint = {
        case_id
        for case_id, (_, status) in state.items()
        if status in ("received", "assigned", "processing", "supplement", "more_asked")
    }
    live = truth.versions(joint, later, late)
    for place in range(len(live)):
        version = live.version(place)
        assert (version.case_id, version.updated_ms, version.status) not in in_history
        state[version.case_id] = max(state.get(version.case_id, (0, "")), (version.updated_ms, version.status))
    seen = truth.step_ms + np.asarray(late).reshape(-1, 1)
    expected = {}
    for row in np.flatnonzero((truth.step_ms[:, 0] >= at("2026-09-01 00:00")) & (seen[:, 0] < later)).tolist():
        reached = [s for s in range(truth.step_ms.shape[1]) if truth.step_ms[row, s] >= 0 and seen[row, s] < later]
        expected[truth.case_id(row)] = (
            int(truth.step_ms[row, reached[-1]]),
            truth.words.statuses[truth.step_status[row, reached[-1]]],
        )
    assert state == expected
    closed_live = {
        case_id
        for case_id in open_at_joint
        if state[case_id][1] in ("settled", "returned", "withdrawn", "answered", "published", "refused")
    }
    assert len(closed_live) > 0.2 * len(open_at_joint) > 0
