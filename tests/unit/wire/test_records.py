"""Records in JSON, NDJSON and CSV: what is fit, what is refused and why."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ioc.errors import BatchMalformed
from ioc.model.case import CaseType
from ioc.model.measure import Measure, MeasureKind
from ioc.model.unit import Unit
from ioc.model.vocabulary import Vocabulary
from ioc.wire.records import check

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
VOCABULARY = Vocabulary(
    measures={"air.pm25": Measure("air.pm25", {}, "µg/m³", MeasureKind.GAUGE, least=0, most=1000)},
    units={"19753": Unit("19753", "Phường Phú Xuân", "Phú Xuân", "ward", "46", 16.5, 107.6, 10.4)},
    case_types={"dossier": CaseType("dossier", {}, ("received", "settled"), ("fee",))},
)
READING = '{"measure": "air.pm25", "unit": "19753", "time": "2026-11-22T08:00:00+07:00", "value": 31.5}'
CASE = (
    '{"case_type": "dossier", "case_id": "H57-1", "unit": "19753", "status": "received",'
    ' "received_at": "2026-11-22T07:00:00+07:00", "updated_at": "2026-11-22T07:00:00+07:00"}'
)


def checked(content: str, content_type: str = "application/json") -> Any:
    return check(content.encode(), content_type, VOCABULARY, NOW)


@pytest.mark.parametrize(
    ("content", "content_type", "readings", "cases"),
    [
        pytest.param(READING, "application/json", 1, 0, id="one object"),
        pytest.param(f"[{READING}, {CASE}]", "application/json", 1, 1, id="array of both kinds"),
        pytest.param(f"{READING}\n\n{CASE}\n", "application/x-ndjson", 1, 1, id="empty lines of NDJSON are no records"),
        pytest.param(f"{READING}\n{READING}", "application/json", 2, 0, id="NDJSON that calls itself JSON"),
        pytest.param("[]", "application/json", 0, 0, id="an empty array is no fault"),
        pytest.param(
            "\ufeffmeasure,unit,time,value,subject\nair.pm25,19753,2026-11-22T08:00:00+07:00,31.5,AQ-01\n",
            "text/csv",
            1,
            0,
            id="CSV with a byte order mark",
        ),
        pytest.param(
            "case_type,case_id,unit,status,received_at,updated_at,fee\n"
            "dossier,H57-1,19753,received,2026-11-22T07:00:00Z,2026-11-22T07:00:00Z,true\n".replace("T07", "T00"),
            "text/csv",
            0,
            1,
            id="other columns of a CSV of cases are attributes",
        ),
        pytest.param(
            READING.replace('"2026-11-22T08:00:00+07:00"', "1795309200000"), "application/json", 1, 0, id="milliseconds"
        ),
    ],
)
def test_fit_records(content: Any, content_type: Any, readings: Any, cases: Any) -> None:
    found = checked(content, content_type)
    assert (len(found.readings), len(found.cases), found.rejections) == (readings, cases, [])
    assert found.total == readings + cases


@pytest.mark.parametrize(
    ("old", "new", "field", "reason"),
    [
        pytest.param("31.5", "NaN", "value", "not_finite", id="not a number"),
        pytest.param("31.5", "1e999", "value", "not_finite", id="overflows to infinity"),
        pytest.param("31.5", "-0.1", "value", "out_of_range", id="below the plausible range"),
        pytest.param("31.5", "true", "value", "wrong_type", id="a boolean is no number"),
        pytest.param("31.5", '"31,5"', "value", "wrong_type", id="a text is no number"),
        pytest.param("31.5", "null", "value", "missing_field", id="null is missing, not zero"),
        pytest.param("air.pm25", "air.pm26", "measure", "unknown_measure", id="measure not in the catalogue"),
        pytest.param("19753", "00001", "unit", "unknown_unit", id="unit of another province"),
        pytest.param('"19753"', "19753", "unit", "wrong_type", id="a code is a text"),
        pytest.param(
            "2026-11-22T08:00:00+07:00", "2026-11-22T08:05:01+07:00", "time", "time_in_future", id="over 5 min"
        ),
        pytest.param("2026-11-22T08:00:00+07:00", "2026-11-22T08:00:00", "time", "no_time_zone", id="naive time"),
        pytest.param("2026-11-22T08:00:00+07:00", "22/11/2026", "time", "wrong_type", id="not RFC 3339"),
        pytest.param(
            "2026-11-22T08:00:00+07:00", "1999-12-31T08:00:00+07:00", "time", "time_too_old", id="before 2000"
        ),
        pytest.param('"value"', '"vaule"', "vaule", "unknown_field", id="misspelt field is not skipped"),
    ],
)
def test_unfit_reading_is_refused_beside_a_good_one(old: Any, new: Any, field: Any, reason: Any) -> None:
    bad = READING.replace(old, new)
    found = checked(f"[{READING}, {bad}]")
    assert len(found.readings) == 1
    assert [(r.index, r.field, r.reason) for r in found.rejections] == [(1, field, reason)]
    assert found.rejections[0].message.endswith(".")


@pytest.mark.parametrize(
    ("old", "new", "field", "reason"),
    [
        pytest.param('"dossier"', '"dossiers"', "case_type", "unknown_case_type", id="case type not in the catalogue"),
        pytest.param('"status": "received"', '"status": "lost"', "status", "unknown_status", id="status not declared"),
        pytest.param('"case_id": "H57-1"', '"case_id": ""', "case_id", "missing_field", id="empty id"),
        pytest.param('"updated_at": "2026', '"updated_at": "2027', "updated_at", "time_in_future", id="clock ahead"),
        pytest.param(
            '"updated_at"',
            '"closed_at": "2026-11-20T07:00:00+07:00", "updated_at"',
            "closed_at",
            "time_order",
            id="closed early",
        ),
        pytest.param(
            '"updated_at"',
            '"attributes": {"name": "A"}, "updated_at"',
            "attributes.name",
            "unknown_field",
            id="not declared",
        ),
    ],
)
def test_unfit_case(old: Any, new: Any, field: Any, reason: Any) -> None:
    found = checked(CASE.replace(old, new, 1))
    assert [(r.field, r.reason) for r in found.rejections] == [(field, reason)]
    assert found.cases == []


def test_a_broken_line_does_not_cost_its_neighbours() -> None:
    found = checked(f'{READING}\n{{"measure": \n{READING}\n[1, 2]', "application/x-ndjson")
    assert len(found.readings) == 2
    assert [(r.index, r.reason, r.content) for r in found.rejections] == [
        (1, "malformed", b'{"measure": '),
        (3, "wrong_type", b"[1, 2]"),
    ]


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        pytest.param("<html></html>", "application/json", id="HTML"),
        pytest.param(f"[{READING}", "application/json", id="truncated array"),
        pytest.param("", "application/json", id="nothing"),
        pytest.param("a;b\n1;2\n", "text/csv", id="CSV without the columns"),
        pytest.param(READING, "text/plain", id="another content type"),
    ],
)
def test_content_without_records_is_malformed_as_a_whole(content: Any, content_type: Any) -> None:
    with pytest.raises(BatchMalformed):
        checked(content, content_type)


def test_a_rejected_record_of_an_array_keeps_what_was_sent() -> None:
    found = checked("[" + READING.replace("31.5", "NaN") + "]")
    assert b"NaN" in found.rejections[0].content
