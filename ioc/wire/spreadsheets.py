"""Write text cells of CSV and XLSX exports so that a spreadsheet does not run them as formulas."""

import re
from typing import Any

_RUNS = re.compile(r"[=+\-@\t\r\n]")
_NUMBER = re.compile(r"[+-]?(\d[\d.,]*|inf(inity)?)([eE][+-]?\d+)?")
MAX_XLSX_CHARACTERS = 32_767


def inert(text: str) -> str:
    """Return a text for a CSV cell: with an apostrophe before it where a spreadsheet would run it as a formula.

    That is a text that begins with = + - @, tab or line break (OWASP, "CSV injection") and is not a plain number.
    """
    return f"'{text}" if _RUNS.match(text) and not _NUMBER.fullmatch(text) else text


def make_texts_inert(book: Any) -> None:
    """Turn every formula of an openpyxl workbook into the text that it was written as.

    For workbooks without formulas of their own; call it after all cells are filled.
    """
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and (cell.data_type != "s" or _RUNS.match(cell.value)):
                    cell.data_type = "s"
                    cell.quotePrefix = True


def text_cell(sheet: Any, text: str) -> Any:
    """Return a cell of an openpyxl write-only sheet that holds the text as text, exactly as it is.

    Control characters that XLSX cannot hold are left out, and a text above 32,767 characters is cut. The cell is
    marked as quoted text (`quotePrefix`), so that it stays text also when somebody edits it.
    """
    from openpyxl.cell import WriteOnlyCell  # only an export needs it
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", text)[:MAX_XLSX_CHARACTERS])
    cell.data_type = "s"  # openpyxl has made "=…" a formula and "#N/A" an error
    if _RUNS.match(text):
        cell.quotePrefix = True
    return cell
