"""Very many invalid records: each is counted, memory is proportional to their size, and all bytes are kept."""

import json
from datetime import UTC, datetime

from connectors.batching import Intake
from ioc.model.rejection import BUNDLE_BYTES, MAX_BUNDLES, SINGLE_REJECTIONS, Reason, count_records
from ioc.wire import arrow
from ioc.wire.headers import JSON, NDJSON
from ioc.wire.records import check
from ioc.wire.schemas import READINGS, readings_batch
from tests.support.reading_batches import vocabulary

NOW = datetime(2026, 11, 22, 11, tzinfo=UTC)
MANY = 60_000


def test_many_empty_records() -> None:
    checked = check(b"[" + b"{}," * (MANY - 1) + b"{}]", JSON, vocabulary(), NOW)
    assert checked.total == count_records(checked.rejections) == MANY
    assert len(checked.rejections) == SINGLE_REJECTIONS + 1
    bundle = checked.rejections[-1]
    assert (bundle.index, bundle.field, bundle.reason) == (SINGLE_REJECTIONS, "measure", Reason.MISSING_FIELD)
    assert bundle.records == MANY - SINGLE_REJECTIONS
    assert bundle.content.split(b"\n") == [b"{}"] * bundle.records
    assert Intake(rejections=checked.rejections).records == MANY
    assert Intake(rejections=checked.rejections).size_bytes < 1_000_000
    [_, came] = arrow.decode(arrow.encode(readings_batch([]), checked.rejections), READINGS)
    assert came == checked.rejections


def test_bundles_are_bounded_also_when_each_record_has_a_fault_of_its_own() -> None:
    lines = [json.dumps({f"field-{n}": "x" * 100}).encode() for n in range(MANY)]
    checked = check(b"\n".join(lines), NDJSON, vocabulary(), NOW)
    assert count_records(checked.rejections) == MANY
    bundles = checked.rejections[SINGLE_REJECTIONS:]
    assert len(bundles) <= MAX_BUNDLES + len(Reason) + sum(map(len, lines)) // BUNDLE_BYTES
    assert max(len(bundle.content) for bundle in bundles) <= BUNDLE_BYTES
    assert {line for rejection in checked.rejections for line in rejection.content.split(b"\n")} == set(lines)


def test_nothing_between_two_commas_is_a_record_that_is_none() -> None:
    checked = check(b'[{"measure": "level"}, , 7]', JSON, vocabulary(), NOW)
    assert checked.total == count_records(checked.rejections) > 1
