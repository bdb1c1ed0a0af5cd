"""Tables as agencies hand them over."""

import zipfile
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from connectors.tables.reading import Line, TableFormat, rows_of_file
from ioc.errors import BatchMalformed, RecordUnfit

HEADER = "Mã xã;Số lượng"


def lines_of(path: Path, columns: set[str], **wanted: str) -> list[Line]:
    chunks = rows_of_file(path.parent, Path(path.name), TableFormat(frozenset(columns), **wanted))
    return [line for chunk in chunks for line in chunk]


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
        pytest.param("Mã xã;Số lượng\r19753;1.234,5\r", "utf-8", id="line ends of old Macs"),
        pytest.param("Mã xã|Số lượng\r\n19753|1.234,5\r\n", "utf-16-be", id="bars in UTF-16 without its mark"),
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
        pytest.param("a.csv", b"\x89PNG\r\n\x1a\n\0\0\0", "not text", id="a picture"),
        pytest.param("a.xlsx", b"PK\x03\x04 broken", "workbook cannot be read", id="broken XLSX"),
        pytest.param("a.xlsx", b"not a workbook", "workbook cannot be read", id="no workbook"),
        pytest.param("a.xls", b"\xd0\xcf\x11\xe0broken", "workbook cannot be read", id="broken XLS"),
        pytest.param(
            "a.xls", b"\xef\xbb\xbf\n<html><table>", "a web page .HTML. with the ending .xls, not", id="a page"
        ),
        pytest.param("a.xls", b"<?xml version='1.0'?><Workbook>", "an XML file with the ending .xls, not", id="XML"),
        pytest.param("a.csv", b"%PDF-1.7", "a PDF with the ending .csv", id="a PDF"),
        pytest.param(
            "a.csv", "Ma\u0303;Tên;Tỉnh\nZürich;Genève;Besançon\n".encode("cp1252", "ignore"), "encoding", id="French"
        ),
        pytest.param("a.csv", "Maõ xaõ;Teân\n1;Höông Traø\n".encode("cp1252"), "VNI", id="VNI"),
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


# TCVN3 (ABC) as .VnTime draws it: the bytes of "Mã xã;Tên trạm;Số lượng / 19753;Phường Thuận Hóa;12 / 19754;…".
TCVN3 = (
    b"M\xb7 x\xb7;T\xaan tr\xb9m;S\xe8 l\xad\xeeng\n"
    b"19753;Ph\xad\xeang Thu\xcbn H\xe3a;12\n19754;X\xb7 H\xad\xacng Tr\xb5, \xae\xad\xeang Ng\xf9 B\xd7nh;5\n"
)
RIGHT = [
    {"Mã xã": "19753", "Tên trạm": "Phường Thuận Hóa", "Số lượng": "12"},
    {"Mã xã": "19754", "Tên trạm": "Xã Hương Trà, đường Ngự Bình", "Số lượng": "5"},
]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(TCVN3, id="TCVN3"),
        pytest.param(TCVN3.decode("latin-1").encode(), id="TCVN3 saved as UTF-8"),
        pytest.param(
            "Ma\u0303 xa\u0303;Tên tra\u0323m;Sô\u0301 lươ\u0323ng\n19753;Phươ\u0300ng Thuâ\u0323n Ho\u0301a;12\n"
            "19754;Xa\u0303 Hương Tra\u0300, đươ\u0300ng Ngư\u0323 Bi\u0300nh;5\n".encode("cp1258"),
            id="Windows-1258",
        ),
    ],
)
def test_old_encodings(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    assert [row for row, _ in lines_of(tmp_path / "a.csv", {"Mã xã", "Số lượng"})] == RIGHT


def test_workbook_typed_for_abc_fonts(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for line in TCVN3.decode("latin-1").splitlines():
        book.active.append(line.split(";"))  # type: ignore[union-attr]
    book.save(tmp_path / "a.xlsx")
    assert [row for row, _ in lines_of(tmp_path / "a.xlsx", {"Mã xã", "Số lượng"})] == RIGHT


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        pytest.param(
            '19774;"Trạm B;5\n19775;C;6\n19776;"D";7\n', ["Line 2 opens a quote", "C", "D"], id="quote never closed"
        ),
        pytest.param('1;"B;5\n2;"C;6\n3;D;7\n', ["Line 2 opens", "Line 3 opens", "D"], id="two of them"),
        pytest.param('1;"B\nvà B";5\n2;C;6\n', ["B\nvà B", "C"], id="a cell over lines"),
        pytest.param('1;"B ""hai""";5\n2;ống 5";6\n', ['B "hai"', 'ống 5"'], id="quotes within"),
        pytest.param('1;"B" ba;5\n2;C;6\n', ["B ba", "C"], id="text behind a quote"),
        pytest.param("1;B\r;5\n2;C\rD;6\n3;E;7\n", ["Line 2 cannot be", "Line 3 cannot be", "E"], id="lone CR"),
        pytest.param('1;"B\rC";5\r\n2;D;6\r\n', ["B\rC", "D"], id="CR in quotes"),
        pytest.param(
            "1;B\udcff;5\n2;Đà Nẵng, Thừa Thiên;6\n", ["Line 2 holds bytes", "Đà Nẵng, Thừa Thiên"], id="bytes"
        ),
        pytest.param(f"1;{'x' * 200_000};5\n2;C;6\n", ["field larger than", "C"], id="a cell without end"),
        pytest.param('1;"' + "\n" * 300 + "2;C;6\n3;D;7\n", ["Line 2 opens", "C", "D"], id="blank lines behind"),
        pytest.param("1;B;5\n\n2;C\n", ["B", "The line has 2 cells, the header 3"], id="a line of another length"),
        pytest.param('1;"B', ["Line 2 opens a quote"], id="cut within a quote"),
    ],
)
def test_a_damaged_line_costs_itself(tmp_path: Path, content: str, rows: list[str]) -> None:
    text = "Mã xã;Trạm;Số lượng\n" + content
    (tmp_path / "a.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
    found = lines_of(tmp_path / "a.csv", {"Mã xã", "Trạm", "Số lượng"})
    assert len(found) == len(rows)
    for (row, own), wanted in zip(found, rows, strict=True):
        if isinstance(row, RecordUnfit):
            assert wanted in str(row)
            assert own, "a refusal has the bytes"
        else:
            assert row["Trạm"] == wanted


SUMMARY = "A;22/11;5\nB;22/11;6\n\n{}Tổng hợp;;11\nSố trạm;;2\n"


@pytest.mark.parametrize(
    ("content", "table_end", "counted"),
    [
        pytest.param(SUMMARY.format(""), "auto", ["A", "B"], id="a summary two lines below"),
        pytest.param(SUMMARY.format("\n\n"), "auto", ["A", "B"], id="four lines below"),
        pytest.param(
            SUMMARY.format("C;23/11;7\n"), "auto", ["A", "B", "C", "Tổng hợp", "Số trạm"], id="the table goes on"
        ),
        pytest.param(SUMMARY.format("") + "\nC;23/11;7\n", "auto", ["A", "B", "C"], id="another table behind"),
        pytest.param(SUMMARY.format("C;23/11;7\n"), "blank line", ["A", "B"], id="the blank line ends it"),
        pytest.param(
            SUMMARY.format("") + "Trạm;Ngày;Số lượng\nD;1;8\n", "blank line", ["A", "B", "D"], id="header again"
        ),
        pytest.param(SUMMARY.format(""), "file", ["A", "B", "Tổng hợp", "Số trạm"], id="nothing ends it"),
        pytest.param("A;;5\nB;22/11;6\n\nC;;7\n", "auto", ["A", "B", "C"], id="a cell that is empty elsewhere too"),
    ],
)
def test_end_of_a_table(tmp_path: Path, content: str, table_end: str, counted: list[str]) -> None:
    (tmp_path / "a.csv").write_text("Trạm;Ngày;Số lượng\n" + content, encoding="utf-8")
    found = [row for row, _ in lines_of(tmp_path / "a.csv", {"Trạm", "Ngày", "Số lượng"}, table_end=table_end)]
    assert [row["Trạm"] for row in found if not isinstance(row, RecordUnfit)] == counted
    left_out = [row for row in found if isinstance(row, RecordUnfit)]
    assert all(row.reason == "total_row" for row in left_out)
    assert len(found) == content.count(";") // 2 - content.count("Trạm;"), "every line but headers is counted"


def test_cells_without_a_value_are_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Số liệu"
    for line in (
        ["Trạm", "Nước", "Mưa", "Ghi chú"],
        ["A", "=1+1", "=B2*2", None],
        ["B", 3, 4, "=A3"],
        ["C", 5, "=1/0", 1],
    ):
        sheet.append(line)
    book.save(tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as made, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as changed:
        for name in made.namelist():
            xml = made.read(name).replace(b'<c r="C4"><f>1/0</f><v />', b'<c r="C4" t="e"><f>1/0</f><v>#DIV/0!</v>')
            changed.writestr(name, xml)
    first, second, third = [row for row, _ in lines_of(tmp_path / "b.xlsx", {"Trạm", "Nước", "Mưa"})]
    assert str(first) == "Cell Số liệu!B2 is a formula that no program has computed; open the file and save it."
    assert isinstance(second, dict), "a formula in a column that the mapping does not name harms nothing"
    assert str(third) == "Cell Số liệu!C4 shows the error #DIV/0!; correct its formula."


def test_content_tells_the_format(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Mã xã"])  # type: ignore[union-attr]
    book.active.append(["19753"])  # type: ignore[union-attr]
    book.save(tmp_path / "a.xlsx")
    (tmp_path / "a.xlsx").rename(tmp_path / "a.csv")
    (tmp_path / "b.xls").write_text("Mã xã\tSố\n19753\t1\n", encoding="utf-8")
    for name in ("a.csv", "b.xls"):
        assert [row["Mã xã"] for row, _ in lines_of(tmp_path / name, {"Mã xã"})] == ["19753"]  # type: ignore[index]
