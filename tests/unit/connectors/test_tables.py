"""Tables as agencies hand them over."""

from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from connectors.file_drop.tables import lines_of
from ioc.errors import BatchMalformed, RecordUnfit

HEADER = "Mã xã;Số lượng"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        pytest.param("Mã xã;Số lượng\n19753;1.234,5\n", "utf-8", id="UTF-8"),
        pytest.param("\ufeffMã xã;Số lượng\n19753;1.234,5\n", "utf-8", id="UTF-8 with its mark"),
        pytest.param('Mã xã,Số lượng\n19753,"1.234,5"\n', "utf-8", id="commas"),
        pytest.param("Mã xã\tSố lượng\n19753\t1.234,5\n", "utf-16", id="tabs in UTF-16, as Excel saves"),
        pytest.param("Ma\u0303 xa\u0303;Số lượng\n19753;1.234,5\n", "utf-8", id="accents as signs of their own"),
        pytest.param("BÁO CÁO THÁNG 11\n\nMã xã;Số lượng\n19753;1.234,5\n", "utf-8", id="title lines"),
        pytest.param("Mã xã;Số lượng\n19753;1.234,5\nMã xã;Số lượng\n\n", "utf-8", id="header repeated"),
        pytest.param('"Mã\nxã"; Số  lượng \n19753;1.234,5\n', "utf-8", id="header broken over lines"),
    ],
)
def test_csv(tmp_path: Path, content: str, encoding: str) -> None:
    (tmp_path / "a.csv").write_text(content, encoding=encoding)
    assert [row for row, _ in lines_of(tmp_path / "a.csv", {"Mã xã", "Số lượng"})] == [
        {"Mã xã": "19753", "Số lượng": "1.234,5"}
    ]


def test_cp1258(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("Ma\u0303;Tên\n1;Phường\n".encode("cp1258", "ignore"))
    (row,) = [row for row, _ in lines_of(tmp_path / "a.csv", {"Mã"})]
    assert isinstance(row, dict)
    assert row["Mã"] == "1"


def test_a_line_of_another_length_is_unfit_beside_good_ones(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{HEADER}\n1;2\n1;2;3\n4;5\n", encoding="utf-8")
    rows = [row for row, _ in lines_of(tmp_path / "a.csv", {"Mã xã"})]
    assert [isinstance(row, RecordUnfit) for row in rows] == [False, True, False]
    assert "3 cells, the header 2" in str(rows[1])


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        pytest.param("a.csv", b"A;B\n1;2\n", "columns Mã xã", id="no such column"),
        pytest.param("a.csv", b"", "columns Mã xã", id="empty"),
        pytest.param("a.csv", b"\x89PNG\r\n\x1a\n\0\0\0", "no text", id="a picture"),
        pytest.param("a.xlsx", b"PK\x03\x04 broken", "workbook cannot be read", id="broken XLSX"),
        pytest.param("a.xlsx", b"not a workbook", "workbook cannot be read", id="no workbook"),
        pytest.param("a.xls", b"\xd0\xcf\x11\xe0broken", "workbook cannot be read", id="broken XLS"),
    ],
)
def test_unreadable(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BatchMalformed, match=sentence):
        list(lines_of(tmp_path / name, {"Mã xã"}))


def test_workbook_with_titles_merged_cells_and_two_header_lines(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for line in (
        ["SỞ NỘI VỤ", None, None, None],
        ["Đơn vị", "Ngày", "Kết quả", None],
        [None, None, "Tiếp nhận", "Trả"],
        ["19753", datetime(2026, 11, 22), 12, "1.234,5"],  # noqa: DTZ001
        [None, "23/11/2026", 13.5, None],
        [None, None, None, None],
        ["Đơn vị", "Ngày", "Kết quả", None],
        [None, None, "Tiếp nhận", "Trả"],
        ["19754", 46349, 14, 3],
    ):
        sheet.append(line)
    for merged in ("A1:D1", "A2:A3", "B2:B3", "C2:D2", "A4:A5", "A7:A8", "B7:B8", "C7:D7"):
        sheet.merge_cells(merged)
    book.save(tmp_path / "a.xlsx")
    rows = [row for row, _ in lines_of(tmp_path / "a.xlsx", {"Đơn vị", "Ngày", "Tiếp nhận", "Trả"})]
    assert rows == [
        {"Đơn vị": "19753", "Ngày": datetime(2026, 11, 22), "Tiếp nhận": 12, "Trả": "1.234,5"},  # noqa: DTZ001
        {"Đơn vị": "19753", "Ngày": "23/11/2026", "Tiếp nhận": 13.5, "Trả": ""},
        {"Đơn vị": "19754", "Ngày": 46349, "Tiếp nhận": 14, "Trả": 3},
    ]
