"""Foreign rows become records."""

import tomllib
from typing import Any

import pytest

from connectors.configuration import Table
from connectors.mapping import RecordMapping, found, read_mapping
from ioc.errors import RecordUnfit
from ioc.settings import VIETNAM


def mapping(toml: str) -> RecordMapping:
    return read_mapping(Table("test.toml", tomllib.loads(toml), "mapping."), VIETNAM)


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
def test_found(path: str, value: Any) -> None:
    assert found({"a.b": 7, "a": {"b": 8}, "c": {"d": [1, {"e": 5}]}}, path) == value
