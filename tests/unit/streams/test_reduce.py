"""Readings to panes: minutes, subjects, checks, and that no order or batching matters."""

import json
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.model.vocabulary import Vocabulary
from ioc.wire.schemas import PANES, READINGS
from ioc.wire.sketches import buckets_of, registers_of
from streams.reduce import reduce
from tests.support.reading_batches import INPUT_MS, START_MINUTE, Row, batch, merged, row, vocabulary

VOCABULARY = vocabulary()


def panes_of(rows: list[Row]) -> list[dict[str, Any]]:
    reduced = reduce(batch(rows), VOCABULARY, INPUT_MS)
    assert reduced.rejections == []
    assert reduced.applied == len(rows)
    assert reduced.panes.schema.equals(PANES)
    reduced.panes.validate(full=True)
    return reduced.panes.to_pylist()


@pytest.mark.parametrize(
    ("arrivals", "expected"),
    [
        pytest.param(["59 2", "60 4"], {0: (1, 2.0), 1: (1, 4.0)}, id="minute is half-open"),
        pytest.param(["300 4", "10 2"], {0: (1, 2.0), 5: (1, 4.0)}, id="late reading lands in its own minute"),
        pytest.param(["0 2", "0.001 3", "59.999 4"], {0: (3, 9.0)}, id="a minute adds up"),
        pytest.param(["-0.001 7", "0 1"], {-1: (1, 7.0), 0: (1, 1.0)}, id="the minute before"),
        pytest.param(["-800000000 7", "0 1"], {-13333334: (1, 7.0), 0: (1, 1.0)}, id="a reading 25 years late"),
    ],
)
def test_minutes(arrivals: list[str], expected: dict[int, tuple[int, float]]) -> None:
    panes = panes_of([row(text) for text in arrivals])
    assert {p["minute"] - START_MINUTE: (p["n"], p["sum"]) for p in panes} == expected


def test_a_pane_has_all_its_numbers() -> None:
    [pane] = panes_of([row("5 3"), row("1 -2"), row("59.5 1")])
    assert pane == {
        "measure": "level",
        "unit": "19753",
        "subject": None,
        "minute": START_MINUTE,
        "n": 3,
        "sum": 2.0,
        "sum_squares": 14.0,
        "least": -2.0,
        "most": 3.0,
        "first_ms": 1000,
        "first": -2.0,
        "last_ms": 59_500,
        "last": 1.0,
        "buckets": None,
        "registers": None,
    }


@pytest.mark.parametrize("order", [1, -1], ids=["as they come", "backwards"])
def test_of_equal_times_the_smallest_is_first_and_the_largest_last(order: int) -> None:
    [pane] = panes_of([row("5 3"), row("5 1"), row("5 2")][::order])
    assert (pane["first_ms"], pane["first"], pane["last_ms"], pane["last"]) == (5000, 1.0, 5000, 3.0)


@pytest.mark.parametrize(
    ("measure", "subjects"),
    [
        pytest.param("level", [None], id="merged"),
        pytest.param("station", ["AQ-1", "AQ-2", None], id="kept, none among them"),
    ],
)
def test_subjects(measure: str, subjects: list[str | None]) -> None:
    panes = panes_of([row(text, measure) for text in ("0 1 AQ-2", "1 2 AQ-1", "2 3 AQ-2", "3 4")])
    assert sorted((p["subject"] for p in panes), key=lambda s: (s is None, s)) == subjects
    assert sum(p["n"] for p in panes) == 4


def test_measures_that_keep_and_that_merge_subjects_in_one_batch() -> None:
    rows = [row("0 1 A", "station"), row("0 2 A", "level"), row("0 3 B", "level")]
    assert {(p["measure"], p["subject"]): p["n"] for p in panes_of(rows)} == {
        ("station", "A"): 1,
        ("level", None): 2,
    }


def test_dictionaries_hold_only_words_in_use() -> None:
    rows = [row("0 1 A"), row("0 2 B", "station"), row("0 9 C", "no such measure"), row("0 9 D", "level", "00000")]
    panes = reduce(batch(rows), VOCABULARY, INPUT_MS).panes
    assert [panes.column(n).dictionary.to_pylist() for n in range(3)] == [["level", "station"], ["19753"], ["B"]]


BAD: list[Any] = [
    pytest.param({"measure": "nope"}, "measure", "unknown_measure", id="measure unknown"),
    pytest.param({"measure": None}, "measure", "missing_field", id="measure missing"),
    pytest.param({"measure": ""}, "measure", "missing_field", id="measure empty"),
    pytest.param({"unit": "00000"}, "unit", "unknown_unit", id="unit unknown"),
    pytest.param({"unit": None}, "unit", "missing_field", id="unit missing"),
    pytest.param({"subject": "x" * 201}, "subject", "too_large", id="subject too long"),
    pytest.param({"time": INPUT_MS + 300_001}, "time", "time_in_future", id="more than 5 minutes ahead"),
    pytest.param({"time": 946_684_799_999}, "time", "time_too_old", id="before 2000"),
    pytest.param({"time": 2**62}, "time", "time_in_future", id="beyond the calendar"),
    pytest.param({"time": None}, "time", "missing_field", id="time missing"),
    pytest.param({"value": float("nan")}, "value", "not_finite", id="not a number"),
    pytest.param({"value": float("inf")}, "value", "not_finite", id="infinite"),
    pytest.param({"measure": "free", "value": float("-inf")}, "value", "not_finite", id="infinite, any range"),
    pytest.param({"value": None}, "value", "missing_field", id="value missing"),
    pytest.param({"value": 1000.1}, "value", "out_of_range", id="above the range"),
    pytest.param({"value": -1000.1}, "value", "out_of_range", id="below the range"),
]


@pytest.mark.parametrize(("change", "field", "reason"), BAD)
def test_an_unfit_row_is_rejected_and_its_neighbours_count(change: Row, field: str, reason: str) -> None:
    rows = [row("0 1"), {**row("1 2"), **change}, row("2 4")]
    reduced = reduce(batch(rows), VOCABULARY, INPUT_MS)
    [rejection] = reduced.rejections
    assert (rejection.index, rejection.field, rejection.reason) == (1, field, reason)
    assert rejection.message
    assert set(json.loads(rejection.content)) == set(READINGS.names)
    assert reduced.applied == 2
    assert [(p["n"], p["sum"]) for p in reduced.panes.to_pylist()] == [(2, 5.0)]


FIT: list[Any] = [
    pytest.param({"time": INPUT_MS + 300_000}, id="exactly 5 minutes ahead"),
    pytest.param({"time": 946_684_800_000}, id="the first moment of 2000"),
    pytest.param({"value": 1000.0}, id="the greatest value"),
    pytest.param({"value": -1000.0}, id="the least value"),
    pytest.param({"measure": "free", "value": 1.7e308}, id="any finite value where there is no range"),
    pytest.param({"subject": ""}, id="subject empty"),
]


@pytest.mark.parametrize("change", FIT)
def test_a_row_at_the_edge_is_fit(change: Row) -> None:
    reduced = reduce(batch([row("0 1"), {**row("1 2"), **change}]), VOCABULARY, INPUT_MS)
    assert (reduced.applied, reduced.rejections) == (2, [])


def test_a_batch_of_only_unfit_rows_gives_no_panes() -> None:
    reduced = reduce(batch([row("0 1", "nope")] * 3), VOCABULARY, INPUT_MS)
    assert (reduced.panes.num_rows, reduced.applied, len(reduced.rejections)) == (0, 0, 3)
    assert reduced.panes.schema.equals(PANES)


def test_an_empty_batch_gives_no_panes() -> None:
    reduced = reduce(batch([]), VOCABULARY, INPUT_MS)
    assert (reduced.panes.num_rows, reduced.applied, reduced.rejections) == (0, 0, [])


def test_a_word_twice_in_a_dictionary_is_one_word() -> None:
    columns = batch([row("0 1"), row("1 2")]).columns
    columns[0] = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int16()), pa.array(["level", "level"]))
    [pane] = merged([reduce(pa.RecordBatch.from_arrays(columns, schema=READINGS), VOCABULARY, INPUT_MS).panes]).values()
    assert (pane["n"], pane["sum"]) == (2, 3.0)


def test_keys_beyond_64_bits_are_still_told_apart() -> None:
    """Many words and minutes from 2000 to now: the product of the codes fits in no integer."""
    size = 30_000
    level, unit = VOCABULARY.measures["station"], VOCABULARY.units["46"]
    wide = Vocabulary({f"m{n}": replace(level, most=1e6) for n in range(size)}, {f"u{n}": unit for n in range(size)})
    rows = [
        {"measure": f"m{n}", "unit": f"u{n}", "subject": f"S{n}", "time": 946_684_800_000 + n * 28_000_000, "value": n}
        for n in range(size)
    ]
    minutes = 28_000_000 * size // 60_000
    assert size**3 * minutes > 2**63
    panes = reduce(batch(rows), wide, INPUT_MS).panes
    assert [p["sum"] for p in panes.to_pylist()] == list(range(size))
    assert [p["unit"] for p in panes.to_pylist()] == [f"u{n}" for n in range(size)]


READING = st.builds(
    lambda s, v, subject, measure, unit: row(f"{s / 10} {v}" + subject, measure, unit),
    st.integers(-6000, 6000),
    st.integers(0, 900),
    st.sampled_from(["", " A", " B", " C"]),
    st.sampled_from(["level", "station", "latency", "seen"]),
    st.sampled_from(["19753", "19774"]),
)


@settings(max_examples=60)
@given(st.lists(READING, max_size=60), st.randoms(use_true_random=False), st.integers(1, 6))
def test_any_order_and_batching_gives_the_same_panes(rows: list[Row], chance: random.Random, batches: int) -> None:
    shuffled = rows[:]
    chance.shuffle(shuffled)
    parts = [shuffled[n::batches] for n in range(batches)]
    together = merged([reduce(batch(rows), VOCABULARY, INPUT_MS).panes])
    apart = merged([reduce(batch(part), VOCABULARY, INPUT_MS).panes for part in parts])
    assert apart == together
    assert together == counted(rows)


def counted(rows: list[Row]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The panes by a count of its own: one reading after the other, each a pane merged to the rest."""
    singles = []
    for r in rows:
        minute, ms = divmod(r["time"], 60_000)
        value = r["value"]
        bucket = [{"bucket": int(buckets_of(np.array([value]))[0]), "n": 1}] if r["measure"] == "latency" else None
        registers = None
        if r["measure"] == "seen" and r["subject"]:
            [register], [rank] = registers_of([r["subject"]])
            registers = [{"register": int(register), "rank": int(rank)}]
        singles.append(
            {
                "measure": r["measure"],
                "unit": r["unit"],
                "subject": r["subject"] if r["measure"] == "station" else None,
                "minute": minute,
                "n": 1,
                "sum": value,
                "sum_squares": value * value,
                "least": value,
                "most": value,
                "first_ms": ms,
                "first": value,
                "last_ms": ms,
                "last": value,
                "buckets": bucket,
                "registers": registers,
            }
        )
    return merged([pa.RecordBatch.from_pylist([single], schema=PANES) for single in singles])
