"""Foreign rows become records."""

import tomllib
import unicodedata
from typing import Any

import pytest

from connectors.configuration import source_table
from connectors.field_paths import value_at
from connectors.mapping import RecordMapping
from connectors.mapping_table import read_mapping
from ioc.clock import from_ms, rfc3339
from ioc.errors import RecordUnfit
from ioc.model.case import AttributeType, CaseType
from ioc.model.vocabulary import Vocabulary
from ioc.settings import VIETNAM


def mapping(toml: str) -> RecordMapping:
    return read_mapping(source_table(tomllib.loads(toml), "test.toml"), VIETNAM)


READING = """
numbers = "vietnamese"
measure = { from = "chỉ tiêu", values = { "PM2.5" = "air.pm25" } }
unit = { template = "{tỉnh}{xã}" }
subject = "trạm.mã"
time = { from = "ngày", format = "dd/MM/yyyy" }
value = { from = "trị số", scale = 0.001 }
"""
ROW: dict[str, Any] = {
    "chỉ tiêu": "PM2.5", "tỉnh": "46", "xã": "-1", "trạm": {"mã": "A"}, "ngày": "22/11/2026", "trị số": "1.500",
}  # fmt: skip
CASE = """
case_type = { constant = "dossier" }
case_id = "Số hồ sơ"
unit = { constant = "46" }
status = { from = "Trạng thái", values = { "Đã trả" = "returned", "Mới" = "received" } }
received_at = { from = "Nhận", format = "dd/MM/yyyy HH:mm[:ss]" }
updated_at = "$file_time"
attributes = { fee = "Phí", level = { constant = 3 } }
"""


def test_reading() -> None:
    assert mapping(READING).records(ROW) == [
        {"measure": "air.pm25", "unit": "46-1", "subject": "A", "time": 1_795_280_400_000, "value": 1.5}
    ]


@pytest.mark.parametrize(
    ("change", "reason", "field"),
    [
        pytest.param({"chỉ tiêu": "SO2"}, "unknown_measure", "measure", id="a word without a value in the map"),
        pytest.param({"trị số": "nhiều"}, "wrong_type", "value", id="a word for a number"),
        pytest.param({"ngày": "2026"}, "wrong_type", "time", id="another date format"),
    ],
)
def test_unfit(change: dict[str, Any], reason: str, field: str) -> None:
    (unfit,) = mapping(READING).records({**ROW, **change})
    assert isinstance(unfit, RecordUnfit)
    assert (unfit.reason, unfit.field) == (reason, field)


def test_one_row_gives_several_readings_and_an_empty_cell_none() -> None:
    several = mapping(
        'unit = "c"\ntime = { from = "t", format = "epoch_s" }\n'
        '[[readings]]\nmeasure = { constant = "air.pm25" }\nvalue = "pm25"\n'
        '[[readings]]\nmeasure = { constant = "air.pm10" }\nvalue = "pm10"\n'
    )
    (only,) = several.records({"c": "46", "t": 1, "pm25": None, "pm10": 48})
    assert only == {"measure": "air.pm10", "unit": "46", "time": 1000, "value": 48.0}
    assert len(several.records({"c": "46", "t": 1, "pm25": 3, "pm10": 48})) == 2


SEVERAL = """
unit = "Đơn vị"
time = { from = "t", format = "epoch_s" }
skip_rows = [{ column = "Ghi chú", values = ["Nháp", "Đã  huỷ"] }]
[[readings]]
measure = { constant = "air.pm25" }
value = "Bụi mịn"
[[readings]]
measure = { constant = "air.pm10" }
value = "bụi.pm10"
"""


@pytest.mark.parametrize(
    ("row", "reason", "sentence"),
    [
        pytest.param({"pm25": 3}, "missing_field", "it has no field Bụi mịn, bụi.pm10, which", id="fields renamed"),
        pytest.param(
            {"Bụi mịn": None}, "missing_field", "it has no field bụi.pm10, which", id="one renamed, one empty"
        ),
        pytest.param(
            {"Bụi mịn": "", "bụi": {"pm10": None}}, "missing_field", "Bụi mịn, bụi.pm10 are all empty", id="all empty"
        ),
        pytest.param({"Đơn vị": "Tổng cộng", "Bụi mịn": 9}, "total_row", "Đơn vị = 'Tổng cộng'", id="total row"),
        pytest.param({"Đơn vị": " TỔNG  CỘNG: ", "Bụi mịn": 9}, "total_row", "sums up others", id="spaces, capitals"),
        pytest.param({"Đơn vị": "Co\u0323\u0302ng", "Bụi mịn": 9}, "total_row", "sums up others", id="accents apart"),
        pytest.param({"Ghi chú": "nháp ", "Bụi mịn": 9}, "left_out", "Ghi chú = 'nháp' (skip_rows)", id="filtered"),
        pytest.param({"Ghi chú": "đã huỷ", "Bụi mịn": 9}, "left_out", "skip_rows", id="another word, another spacing"),
    ],
)
def test_no_row_passes_without_a_word(row: dict[str, Any], reason: str, sentence: str) -> None:
    (unfit,) = mapping(SEVERAL).records({"Đơn vị": "46", "t": 1, **row})
    assert isinstance(unfit, RecordUnfit)
    assert unfit.reason == reason
    assert sentence in str(unfit)


@pytest.mark.parametrize(
    ("unit", "word"),
    [
        pytest.param('{ from = "c", values = { "Tổng" = "46" } }', "Tổng", id="a total word that the mapping knows"),
        pytest.param('"c"', "Tổng kho", id="a longer name"),
        pytest.param('"c"', "c", id="another word"),
    ],
)
def test_no_total_row(unit: str, word: str) -> None:
    (record,) = mapping(f'measure = "m"\nunit = {unit}\nvalue = "v"\ntime = "t"\n').records(
        {"c": word, "m": "a", "v": 1, "t": 46349}
    )
    assert isinstance(record, dict)


def test_fields_that_no_row_has() -> None:
    rows: list[dict[str, Any]] = [{"Đơn vị": "46", "t": 1}, {"t": None, "bụi": {"pm10": None}}]
    assert mapping(SEVERAL).missing_from(rows) == ["Bụi mịn"]


def test_accents_as_characters_of_their_own() -> None:
    """What macOS and some exports write (NFD) is found, translated and given in one form."""
    apart = unicodedata.normalize("NFD", "Chỉ số;Bụi;Mã trạm").split(";")
    (record,) = mapping(
        'measure = { from = "Chỉ số", values = { "Bụi" = "air.pm25" } }\nunit = { constant = "46" }\n'
        'time = { from = "t", format = "epoch_s" }\nvalue = "v"\nsubject = "đo.Mã trạm"\n'
    ).records({apart[0]: apart[1], "t": 1, "v": 2, "đo": {apart[2]: unicodedata.normalize("NFD", "Huế")}})
    assert record == {"measure": "air.pm25", "unit": "46", "time": 1000, "value": 2.0, "subject": "Huế"}


def test_case_with_attributes() -> None:
    row = {"Số hồ sơ": 12.0, "Trạng thái": "Đã trả", "Nhận": "22/11/2026 08:00", "$file_time": "2026-11-22T03:00:00Z"}
    assert mapping(CASE).records({**row, "Phí": "1000"}) == [
        {
            "case_type": "dossier", "case_id": "12", "unit": "46", "status": "returned",
            "received_at": 1_795_309_200_000, "updated_at": 1_795_316_400_000,
            "attributes": {"fee": "1000", "level": 3},
        }
    ]  # fmt: skip


def test_without_mapping_rows_are_records() -> None:
    assert mapping("").records({"measure": "m", "$arrival": "x"}) == [{"measure": "m"}]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("a.b", 7, id="a column of exactly that name first"),
        pytest.param("c.d[1].e", 5, id="into lists"),
        pytest.param("c.d[9].e", None, id="beyond the list"),
        pytest.param("c.x.y", None, id="no such thing"),
    ],
)
def test_value_at_a_path(path: str, value: Any) -> None:
    assert value_at({"a.b": 7, "a": {"b": 8}, "c": {"d": [1, {"e": 5}]}}, path) == value


TYPED = CASE.replace('"Phí"', '"Phí", shared = "Dùng lại", paid_on = { from = "Ngày nộp", format = "dd/MM/yyyy" }')


@pytest.mark.parametrize(
    ("numbers", "given", "fee"),
    [
        pytest.param("vietnamese", "50.000", 50_000, id="thousands of a Vietnamese number"),
        pytest.param("vietnamese", "1.250.000", 1_250_000, id="millions"),
        pytest.param("vietnamese", "1.250,5", 1250.5, id="with a fraction"),
        pytest.param("vietnamese", 75_000, 75_000, id="a number stays"),
        pytest.param("vietnamese", "50,000.00", None, id="another notation is refused"),
        pytest.param("plain", "75000", 75_000, id="a plain number"),
        pytest.param("plain", "1.250.000", None, id="two points are no plain number"),
        pytest.param("plain", "miễn phí", None, id="a word"),
    ],
)
def test_attributes_are_of_their_declared_types(numbers: str, given: Any, fee: float | None) -> None:
    row = {"Số hồ sơ": "12", "Trạng thái": "Mới", "Nhận": "22/11/2026 08:00", "$file_time": "2026-11-22T03:00:00Z"}
    rules = mapping(f'numbers = "{numbers}"\n{TYPED}')
    (record,) = rules.records({**row, "Phí": given, "Dùng lại": "Có", "Ngày nộp": "21/11/2026"})
    assert not isinstance(record, RecordUnfit)
    types = {
        "fee": AttributeType.NUMBER,
        "level": AttributeType.CODE,
        "shared": AttributeType.BOOLEAN,
        "paid_on": AttributeType.DATE,
    }
    dossier = CaseType("dossier", {}, ("received",), tuple(types), attribute_types=types)
    vocabulary = Vocabulary(case_types={"dossier": dossier})
    if fee is None:
        with pytest.raises(RecordUnfit, match="fee") as fault:
            rules.typed(record, vocabulary)
        assert fault.value.field == "attributes.fee"
    else:
        assert rules.typed(record, vocabulary)["attributes"] == {
            "fee": fee,
            "level": "3",
            "shared": True,
            "paid_on": "2026-11-21",
        }


def test_a_scaled_attribute() -> None:
    (record,) = mapping(CASE.replace('"Phí"', '{ from = "Phí", scale = 1000 }')).records(
        {"Số hồ sơ": "1", "Trạng thái": "Mới", "Nhận": "22/11/2026 08:00", "$file_time": 1, "Phí": "1.5"}
    )
    assert not isinstance(record, RecordUnfit)
    assert record["attributes"]["fee"] == 1500


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        pytest.param("30/11/2026", "2026-11-30T16:59:59.999Z", id="by date: the end of that day"),
        pytest.param("30/11/2026 00:00", "2026-11-30T16:59:59.999Z", id="as exports write a date"),
        pytest.param("30/11/2026 17:00", "2026-11-30T10:00:00.000Z", id="by the minute"),
    ],
)
def test_due_by_date_is_due_at_the_end_of_the_day(due: str, expected: str) -> None:
    toml = CASE.replace("updated_at", 'due_at = { from = "Hạn", format = "dd/MM/yyyy[ HH:mm]" }\nupdated_at')
    row = {"Số hồ sơ": "1", "Trạng thái": "Mới", "Nhận": "22/11/2026 08:00", "$file_time": "2026-11-22", "Hạn": due}
    (record,) = mapping(toml).records(row)
    assert not isinstance(record, RecordUnfit)
    assert rfc3339(from_ms(record["due_at"])) == expected
