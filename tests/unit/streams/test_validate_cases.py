"""Checks of cases: the same verdicts on an Arrow batch as on JSON records."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from ioc.settings import VIETNAM
from ioc.wire.records import check as check_records
from ioc.wire.schemas import CASES
from streams.validate_cases import check
from tests.support.case_batches import CASE, HOUR, NOW, batch
from tests.support.reading_batches import INPUT_MS, vocabulary

VOCABULARY = vocabulary()

FIT: list[Any] = [
    pytest.param({}, id="all fields"),
    pytest.param({"channel": None, "service": None, "due_at": None, "attributes": None}, id="only what must be"),
    pytest.param({"closed_at": NOW - HOUR}, id="closed as it was received"),
    pytest.param({"updated_at": NOW + timedelta(minutes=5)}, id="exactly 5 minutes ahead"),
    pytest.param({"due_at": datetime(1999, 1, 1, tzinfo=UTC)}, id="due long ago"),
    pytest.param({"attributes": "{}"}, id="no attributes"),
    pytest.param({"case_type": "petition", "status": "open", "attributes": None}, id="another type with its status"),
]
UNFIT: list[Any] = [
    pytest.param({"case_type": "nope"}, "case_type", "unknown_case_type", id="type unknown"),
    pytest.param({"case_type": None}, "case_type", "missing_field", id="type missing"),
    pytest.param({"case_id": None}, "case_id", "missing_field", id="id missing"),
    pytest.param({"case_id": ""}, "case_id", "missing_field", id="id empty"),
    pytest.param({"case_id": "x" * 201}, "case_id", "too_large", id="id too long"),
    pytest.param({"unit": "00000"}, "unit", "unknown_unit", id="unit unknown"),
    pytest.param({"status": "open"}, "status", "unknown_status", id="status of another type"),
    pytest.param({"status": None}, "status", "missing_field", id="status missing"),
    pytest.param({"service": "x" * 201}, "service", "too_large", id="service too long"),
    pytest.param({"received_at": None}, "received_at", "missing_field", id="received missing"),
    pytest.param({"updated_at": None}, "updated_at", "missing_field", id="updated missing"),
    pytest.param({"updated_at": NOW + timedelta(minutes=6)}, "updated_at", "time_in_future", id="updated ahead"),
    pytest.param({"closed_at": NOW + HOUR}, "closed_at", "time_in_future", id="closed ahead"),
    pytest.param({"closed_at": NOW - 2 * HOUR}, "closed_at", "time_order", id="closed before received"),
    pytest.param(
        {"received_at": datetime(1999, 12, 31, tzinfo=UTC)}, "received_at", "time_too_old", id="received before 2000"
    ),
    pytest.param({"attributes": "{"}, "attributes", "wrong_type", id="attributes no JSON"),
    pytest.param({"attributes": "[1]"}, "attributes", "wrong_type", id="attributes no object"),
    pytest.param({"attributes": '{"name": "A"}'}, "attributes.name", "unknown_field", id="attribute not declared"),
    pytest.param({"attributes": '{"fee": [1]}'}, "attributes.fee", "wrong_type", id="attribute no scalar"),
    pytest.param({"attributes": f'{{"fee": {10**30}}}'}, "attributes.fee", "wrong_type", id="attribute beyond 64 bits"),
]


@pytest.mark.parametrize("change", FIT)
def test_fit(change: dict[str, Any]) -> None:
    given = batch(CASE, {**CASE, **change})
    checked = check(given, VOCABULARY, INPUT_MS)
    assert checked.rejections == []
    assert checked.cases.equals(given)


@pytest.mark.parametrize(("change", "field", "reason"), UNFIT)
def test_unfit(change: dict[str, Any], field: str, reason: str) -> None:
    given = batch(CASE, {**CASE, **change}, {**CASE, "case_id": "H57-2"})
    checked = check(given, VOCABULARY, INPUT_MS)
    [rejection] = checked.rejections
    assert (rejection.index, rejection.field, rejection.reason) == (1, field, reason)
    assert set(json.loads(rejection.content)) == set(CASES.names)
    assert checked.cases.to_pylist() == batch(CASE, {**CASE, "case_id": "H57-2"}).to_pylist()


@pytest.mark.parametrize("change", [pytest.param(case.values[0], id=case.id) for case in (*FIT, *UNFIT)])
def test_a_json_record_is_judged_alike(change: dict[str, Any]) -> None:
    row = {**CASE, **change}
    record = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
    if record["attributes"] is not None:
        try:
            record["attributes"] = json.loads(record["attributes"])
        except ValueError:
            pytest.skip("no JSON record has such attributes")
    in_json = check_records(json.dumps(record).encode(), "application/json", VOCABULARY, NOW)
    in_arrow = check(batch(row), VOCABULARY, INPUT_MS)
    assert [(r.field, r.reason) for r in in_json.rejections] == [(r.field, r.reason) for r in in_arrow.rejections]
    assert in_json.cases_batch().num_rows == in_arrow.cases.num_rows


def test_a_due_time_out_of_the_calendar() -> None:
    columns = batch(CASE).columns
    columns[CASES.get_field_index("due_at")] = pa.array([2**60]).cast(CASES.field("due_at").type)
    [rejection] = check(pa.RecordBatch.from_arrays(columns, schema=CASES), VOCABULARY, INPUT_MS).rejections
    assert (rejection.field, rejection.reason) == ("due_at", "wrong_type")


def test_an_empty_batch() -> None:
    checked = check(batch(), VOCABULARY, INPUT_MS)
    assert (checked.cases.num_rows, checked.rejections) == (0, [])


MIDNIGHT = datetime(2026, 11, 22, tzinfo=VIETNAM)
MORNING = MIDNIGHT + timedelta(hours=9, minutes=30)


@pytest.mark.parametrize(
    ("received", "closed", "updated", "expected"),
    [
        pytest.param(
            MORNING, MIDNIGHT, MIDNIGHT, (MORNING, MORNING), id="closed and updated by date on the day received"
        ),
        pytest.param(MIDNIGHT, MIDNIGHT, MIDNIGHT, (MIDNIGHT, MIDNIGHT), id="all by date"),
        pytest.param(MIDNIGHT, MORNING, MIDNIGHT, (MORNING, MORNING), id="closed by the minute"),
        pytest.param(MIDNIGHT - HOUR, MIDNIGHT, MORNING, (MIDNIGHT, MORNING), id="received the evening before"),
        pytest.param(MORNING, None, MIDNIGHT, (None, MORNING), id="open"),
        pytest.param(MORNING - 24 * HOUR, None, MIDNIGHT, (None, MIDNIGHT), id="heard of another day"),
        pytest.param(MORNING, MIDNIGHT - HOUR, MORNING, None, id="closed the day before is refused"),
        pytest.param(MORNING, MIDNIGHT + HOUR, MORNING, None, id="a time of the day is none of the whole day"),
        pytest.param(MORNING, MIDNIGHT - 24 * HOUR, MORNING, None, id="another day is refused"),
    ],
)
def test_a_date_stands_for_its_day(
    received: datetime, closed: datetime | None, updated: datetime, expected: tuple[datetime | None, datetime] | None
) -> None:
    row = {**CASE, "received_at": received, "closed_at": closed, "updated_at": updated}
    checked = check(batch(CASE, row), VOCABULARY, INPUT_MS)
    content = json.dumps({**row, "attributes": {}}, default=lambda moment: moment.isoformat()).encode()
    as_json = check_records(content, "application/json", VOCABULARY, NOW)
    if expected is None:
        assert [(r.field, r.reason) for r in checked.rejections] == [("closed_at", "time_order")]
        assert [(r.field, r.reason) for r in as_json.rejections] == [("closed_at", "time_order")]
    else:
        assert not checked.rejections
        assert checked.cases.num_rows == 2
        assert checked.cases.slice(0, 1) == batch(CASE)
        assert tuple(checked.cases.column(name)[1].as_py() for name in ("closed_at", "updated_at")) == expected
        assert (as_json.cases[0].closed_at, as_json.cases[0].updated_at) == expected
