"""Texts in exports that a spreadsheet must not run."""

from io import BytesIO

import openpyxl
import pytest

from ioc.wire.spreadsheets import inert, make_texts_inert, text_cell


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("-1,5", "-1,5"),
        ("+84", "+84"),
        ("-1.5e-3", "-1.5e-3"),
        ("Huế = đẹp", "Huế = đẹp"),
        ("", ""),
    ],
)
def test_only_what_would_run_is_changed(text: str, made: str) -> None:
    assert inert(text) == made


def test_a_book_keeps_its_texts_and_has_no_formula() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["=1+1", "#N/A", "Huế", 7])
    make_texts_inert(book)
    sink = BytesIO()
    book.save(sink)
    [row] = openpyxl.load_workbook(sink).worksheets[0].iter_rows()
    assert [cell.value for cell in row] == ["=1+1", "#N/A", "Huế", 7]
    assert [cell.data_type for cell in row] == ["s", "s", "s", "n"]
    assert row[0].quotePrefix


def test_a_cell_that_is_written_row_by_row_holds_the_text() -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append([text_cell(sheet, text) for text in ("=1+1", "a\x00b", "x" * 40_000)])
    sink = BytesIO()
    book.save(sink)
    [row] = openpyxl.load_workbook(sink).worksheets[0].iter_rows(values_only=True)
    assert row == ("=1+1", "ab", "x" * 32_767)
