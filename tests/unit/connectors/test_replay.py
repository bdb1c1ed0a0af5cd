"""Refused records are read again with today's mapping and catalogue, and each counts once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import pyarrow as pa
import pytest

from connectors.base import SourcePage, build_intake
from connectors.batching import Intake
from connectors.configuration import source_table
from connectors.deduplication import Deduplicator
from connectors.known_keys import KeyFile, Keys, KnownKeys
from connectors.mapping import RecordMapping
from connectors.mapping_table import read_mapping
from connectors.replay import replay_intake
from connectors.row_keys import Flags, RowCounter
from connectors.same_key import SameKey
from ioc.model.rejection import SINGLE_REJECTIONS
from ioc.settings import VIETNAM
from ioc.wire import headers
from ioc.wire.records import check
from ioc.wire.replays import RefusedRecord, ReplayRequest, ReplayResult
from tests.support.catalogs import hue
from tests.support.page_rows import MISSPELT, NOW, SPEED, VEHICLES, PageTaker, mapping, row

OWN = read_mapping(source_table({}, "x.toml"), VIETNAM)
"""The centre's own records."""


class Writer:
    """What a replay asks of the source's writer."""

    def __init__(self, known: KnownKeys) -> None:
        self.repeats = Deduplicator(SameKey.REPEAT, lambda: hue().vocabulary.measures, cast(KeyFile, None))
        self.repeats._known = known

    def known_rows(self, row_keys: Keys) -> tuple[Flags, Flags]:
        return self.repeats.knows(row_keys)

    def contradicts(self, readings: pa.RecordBatch) -> Flags:
        return self.repeats.contradicts(readings)


def letters(intake: Intake) -> list[RefusedRecord]:
    return [RefusedRecord(f"t:0:1:{r.index}", r.index, r.content, r.place) for r in intake.rejections]


def replayed(
    records: Sequence[RefusedRecord], by: RecordMapping, known: KnownKeys | None = None
) -> tuple[Intake, ReplayResult]:
    known = known or KnownKeys()
    request = ReplayRequest.decode(ReplayRequest("1", "s", "an", records).encode())
    writer = Writer(known)
    intake, result = replay_intake(request, by, hue().vocabulary, NOW, writer)
    writer.repeats.remove_repeats(intake)
    return intake, ReplayResult.decode(result.encode())


def rows(intake: Intake) -> list[tuple[str, float]]:
    if intake.readings is None:
        return []
    return [(one["measure"], one["value"]) for one in intake.readings.to_pylist()]


def test_only_the_record_that_was_refused_counts_and_only_once() -> None:
    """Of rows that give two records, with a measure that was misspelt in the mapping."""
    taker = PageTaker()
    first = taker.take([row(1), row(2)], mapping(VEHICLES, MISSPELT), RowCounter())
    refused = letters(first)
    _, still = replayed(refused, mapping(VEHICLES, MISSPELT), taker.known)
    assert [(reason, key) for key, reason, _ in still.refused] == [("unknown_measure", r.key) for r in refused]
    mended = mapping(VEHICLES, SPEED)
    intake, result = replayed(refused, mended, taker.known)
    assert rows(intake) == [("traffic.speed", 30), ("traffic.speed", 30)]
    assert list(result.replayed) == [r.key for r in refused]
    again, result = replayed(refused, mended, taker.known)
    assert rows(again) == []
    assert list(result.replayed) == [r.key for r in refused], "asked twice, counted once"
    assert again.records == 0
    round_later = taker.take([row(1), row(2)], mended, RowCounter(), configuration=2)
    assert (rows(round_later), round_later.duplicate) == ([], 4), "nor does the source's next round count it"


def test_what_came_by_itself_meanwhile_does_not_count_again() -> None:
    taker = PageTaker()
    refused = letters(taker.take([row(1)], mapping(VEHICLES, MISSPELT), RowCounter()))
    mended = mapping(VEHICLES, SPEED)
    assert len(rows(taker.take([row(1)], mended, RowCounter(), configuration=2))) == 1
    intake, result = replayed(refused, mended, taker.known)
    assert (rows(intake), result.duplicates, len(result.replayed)) == ([], 1, 1)


def test_what_was_around_the_row_and_its_kinds_of_cells_are_kept() -> None:
    """A date cell of a workbook, and the name of the file, which the row's JSON does not tell."""
    text = {
        "measure": {"constant": "traffic.sped"},
        "unit": "unit",
        "time": "at",
        "value": "n",
        "subject": "$file_name",
    }
    cells = {"unit": "19753", "at": datetime(2026, 11, 20), "n": 5}  # noqa: DTZ001  as calamine gives it
    page = SourcePage([(cells, b"")], extra_fields={"$file_name": "a.xlsx"})
    intake = build_intake(page, read_mapping(source_table(text, "x.toml"), VIETNAM), PageTaker().context)
    mended = read_mapping(source_table(text | {"measure": {"constant": "traffic.vehicles"}}, "x.toml"), VIETNAM)
    again, _ = replayed(letters(intake), mended)
    assert again.readings is not None
    [reading] = again.readings.to_pylist()
    assert (reading["subject"], reading["value"]) == ("a.xlsx", 5)
    assert reading["time"] == datetime(2026, 11, 19, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(
            b'[{"measure": "traffic.vehicles", "unit": "19753", "time": "2026-11-22T07:30:00Z", "value": 3}]',
            headers.JSON,
            id="JSON",
        ),
        pytest.param(
            b"measure,unit,time,value\ntraffic.vehicles,19753,2026-11-22T07:30:00Z,3\n", headers.CSV, id="CSV"
        ),
    ],
)
def test_a_push_is_replayed_as_its_sender_wrote_it(content: bytes, kind: str) -> None:
    """A time that was in the future when it came."""
    refused = check(content, kind, hue().vocabulary, datetime(2026, 11, 22, 7, tzinfo=UTC)).rejections
    assert [one.reason for one in refused] == ["time_in_future"]
    intake, _ = replayed([RefusedRecord("k", one.index, one.content, one.place) for one in refused], OWN, KnownKeys())
    assert rows(intake) == [("traffic.vehicles", 3)]


def test_records_that_were_refused_in_bundles_are_told_apart() -> None:
    """Beyond the first thousand of a batch, whose faults are kept one a line."""
    taker, count = PageTaker(), SINGLE_REJECTIONS + 50
    first = taker.take([row(n) for n in range(count)], mapping(MISSPELT), RowCounter())
    assert len(first.rejections) < count
    refused = [replace(r, records=one.records) for r, one in zip(letters(first), first.rejections, strict=True)]
    intake, result = replayed(refused, mapping(SPEED), taker.known)
    assert len(rows(intake)) == result.records == count
    assert len(result.replayed) == len(refused)
    again, result = replayed(refused, mapping(SPEED), taker.known)
    assert (again.records, result.records) == (0, 0)


def test_what_contradicts_a_known_value_is_not_refused_a_second_time() -> None:
    def speed(value: float) -> bytes:
        return json.dumps(
            {"measure": "traffic.speed", "unit": "46", "time": "2026-11-22T07:00Z", "value": value}
        ).encode()

    known = KnownKeys()
    assert len(rows(replayed([RefusedRecord("a", 0, speed(30))], OWN, known)[0])) == 1
    intake, result = replayed([RefusedRecord("b", 0, speed(50)), RefusedRecord("c", 0, speed(30))], OWN, known)
    assert intake.rejections == ()
    assert [(key, reason) for key, reason, _ in result.refused] == [("b", "key_conflict")]
    assert list(result.replayed) == ["c"]


def test_a_workers_refusal_is_in_the_centres_own_form() -> None:
    content = b'{"measure": "traffic.vehicles", "unit": "19753", "time": "2026-11-22T07:00:00Z", "value": 3}'
    intake, _ = replayed([RefusedRecord("k", 1_000_003, content)], mapping(VEHICLES))
    assert rows(intake) == [("traffic.vehicles", 3)]


@pytest.mark.parametrize("value", ["\ud800", 2**70], ids=["half a character", "a number beyond 64 bits"])
def test_whatever_a_row_holds_it_is_refused_and_named(value: object) -> None:
    page = SourcePage([(row(1, v=value), b"{")])
    intake = build_intake(page, mapping(MISSPELT), PageTaker().context)
    assert len(intake.rejections) == 1
    _, result = replayed(letters(intake), mapping(SPEED))
    assert len(result.refused) + len(result.not_replayable) == 1


@pytest.mark.parametrize(
    ("letter", "why"),
    [
        pytest.param(RefusedRecord("k", -1, b"?"), "A whole message was refused", id="a whole message"),
        pytest.param(RefusedRecord("k", 0, b"{}", is_cut=True), "Not all of it was kept", id="cut"),
        pytest.param(
            RefusedRecord("k", 0, b'["19753", 5]', '{"part":0,"parts":1}'), "could not be parsed", id="no row"
        ),
        pytest.param(RefusedRecord("k", 0, b'{"unit": "19753"}'), "by an earlier version", id="without its place"),
        pytest.param(
            RefusedRecord("k", 0, b'{"unit": "19753", "n": 1}', '{"part":1,"parts":3}'),
            "gives 1 records per row now, and gave 3 then",
            id="another mapping",
        ),
    ],
)
def test_what_cannot_be_read_again_is_named(letter: RefusedRecord, why: str) -> None:
    intake, result = replayed([letter], mapping(VEHICLES))
    assert intake.records == 0
    [(key, sentence)] = result.not_replayable
    assert key == "k"
    assert why in sentence
