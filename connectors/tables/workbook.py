"""Read workbooks (XLSX, XLS, XLSB, ODS) as rows of cells.

Calamine reads fast, but into a rectangle that holds every cell: one stray cell in the last column of a far row would
take gigabytes. So the XML of an XLSX sheet is surveyed first. The survey also finds what Calamine does not report:
formulas that no program has computed, and cells that show an error.
"""

from __future__ import annotations

import re
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from xml.etree import ElementTree

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from ioc.errors import BatchMalformed
from ioc.messages import Message

Cells = Sequence[Any]
_MAX_UNPACKED_BYTES = 1 << 30
_MAX_RECTANGLE_CELLS = 2_000_000
_SPARSE_FACTOR = 8
_CHUNK_BYTES = 1 << 20
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REF = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CELL = re.compile(rb"<(?:\w+:)?c[\s>]")
_WIDE = re.compile(rb'\sr="([A-Z]{2,3})\d')
_ROW = re.compile(rb'<(?:\w+:)?row\s[^>]*?\br="(\d{1,7})"')
_FORMULA = re.compile(
    rb"<(?:\w+:)?c\s([^>]*)>\s*<(?:\w+:)?f(?:\s[^>]*?)?(?:/>|>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>(?P<blank>\s*)</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_ERROR = re.compile(
    rb'<(?:\w+:)?c\s([^>]*\bt="e"[^>]*)>(?:\s*<(?:\w+:)?f[^<]*(?:</(?:\w+:)?f>)?)?\s*<(?:\w+:)?v>([^<]*)<'
)
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s+ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_ADDRESS = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
Range = tuple[tuple[int, int], tuple[int, int]]


@dataclass
class SheetSurvey:
    """A survey of a sheet's XML: the number of cells, the rectangle they span, and merged ranges.

    `faults` gives by row and column, from 0, why a cell has no value: the rest of a sentence.
    """

    cells: int = 0
    rows: int = 0
    columns: int = 26
    merged: list[Range] = field(default_factory=list)
    faults: dict[int, dict[int, Message]] = field(default_factory=dict)

    @property
    def is_sparse(self) -> bool:
        """Whether the rectangle is far larger than its content."""
        return self.rows * self.columns > max(_MAX_RECTANGLE_CELLS, _SPARSE_FACTOR * self.cells)


@dataclass
class Workbook:
    """The rows of one sheet from A1 on; `faults` are those of SheetSurvey."""

    sheet: str
    rows: Iterator[Cells]
    faults: Mapping[int, Mapping[int, Message]]

    def address(self, row: int, column: int) -> str:
        """Return the address of a cell, such as Sheet1!B3."""
        return f"{self.sheet}!{_letters(column)}{row + 1}"


def open_workbook(file: BinaryIO, sheet: str) -> Workbook:
    """Open the sheet of that name, the first one if it is empty. Raises BatchMalformed saying what is wrong."""
    try:
        file.seek(0)
        survey = _survey(file, sheet) if file.read(2) == b"PK" else None
        file.seek(0)
        if survey is not None and survey[1].is_sparse:
            return Workbook(survey[0], _spread(_real_cells(file, survey[0]), survey[1].merged), survey[1].faults)
        book = CalamineWorkbook.from_object(file)
        name = _chosen(sheet, book.sheet_names)
        loaded = book.get_sheet_by_name(name)
        left = [""] * (loaded.start[1] if loaded.start else 0)
        rows = (left + cells for cells in loaded.iter_rows())
        faults = survey[1].faults if survey is not None else {}
        return Workbook(name, _spread(rows, loaded.merged_cell_ranges or []), faults)
    except PasswordError as fault:
        raise BatchMalformed(Message("workbook_locked")) from fault
    except (CalamineError, zipfile.BadZipFile, ElementTree.ParseError) as fault:
        raise BatchMalformed(Message("workbook_unreadable", reason=str(fault))) from fault
    except (OSError, EOFError, LookupError, ValueError, NotImplementedError, TypeError, RuntimeError) as fault:
        raise BatchMalformed(Message("workbook_unreadable", reason=str(fault))) from fault


def _chosen(sheet: str, names: Sequence[str]) -> str:
    if not names:
        raise BatchMalformed(Message("workbook_no_sheet"))
    for name in names:
        if not sheet or unicodedata.normalize("NFC", name) == unicodedata.normalize("NFC", sheet):
            return name
    raise BatchMalformed(Message("workbook_other_sheets", sheet=sheet, names=", ".join(names)))


def _spread(rows: Iterator[Cells], merged: Sequence[Range]) -> Iterator[Cells]:
    """Yield the rows with the value of the first cell of each merged range in all its cells."""
    waiting = sorted(merged, reverse=True)
    open_ranges: list[tuple[Range, Any]] = []
    for number, row in enumerate(rows):
        cells = row
        while waiting and waiting[-1][0][0] <= number:
            span = waiting.pop()
            if span[0][1] < len(cells):
                open_ranges.append((span, cells[span[0][1]]))
        if open_ranges:
            changed = list(cells)
            for ((_, left), (_, right)), value in open_ranges:
                for column in range(left, min(right + 1, len(changed))):
                    changed[column] = value
            cells = changed
            open_ranges = [one for one in open_ranges if one[0][1][0] > number]
        yield cells


def _real_cells(file: BinaryIO, sheet: str) -> Iterator[Cells]:
    """Yield the rows of an XLSX sheet, each as long as its last cell; ten times slower than Calamine."""
    import openpyxl  # importing it takes as long as everything else that reads tables

    book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    page = book[sheet]
    page.reset_dimensions()
    for cells in page.iter_rows(values_only=True):
        yield ["" if cell is None else cell for cell in cells]


def _survey(file: BinaryIO, wanted: str) -> tuple[str, SheetSurvey] | None:
    """Return the name of the sheet and a survey of its XML; None for a ZIP file that is not XLSX.

    Raises BatchMalformed for a file that unpacks to more than the limit.
    """
    with zipfile.ZipFile(file) as packed:
        if sum(member.file_size for member in packed.infolist()) > _MAX_UNPACKED_BYTES:
            raise BatchMalformed(Message("workbook_unpacks", limit=_MAX_UNPACKED_BYTES >> 30))
        names = set(packed.namelist())
        if "xl/workbook.xml" not in names or "xl/_rels/workbook.xml.rels" not in names:
            return None
        parts = _parts(packed)
        sheet = _chosen(wanted, list(parts))
        if parts[sheet] not in names:
            return None
        survey = SheetSurvey()
        with packed.open(parts[sheet]) as xml:
            rest = b""
            while piece := xml.read(_CHUNK_BYTES):
                piece = rest + piece
                cut = max(piece.rfind(b"</c>"), piece.rfind(b":c>"), piece.rfind(b"<row")) if b"<c" in piece else -1
                end = cut + 4 if cut > 0 and piece[cut : cut + 2] == b"</" else max(cut, 0)
                end = end or (len(piece) if len(piece) > 16 * _CHUNK_BYTES else 0)
                _survey_xml(piece[:end], survey)
                rest = piece[end:]
            _survey_xml(rest, survey)
    return sheet, survey


def _parts(packed: zipfile.ZipFile) -> dict[str, str]:
    """Return the file of each sheet by its name, in their order."""
    targets = {
        relation.get("Id"): relation.get("Target", "")
        for relation in ElementTree.fromstring(_small(packed, "xl/_rels/workbook.xml.rels"))
    }
    found = {}
    for sheet in ElementTree.fromstring(_small(packed, "xl/workbook.xml")).iter(f"{_MAIN}sheet"):
        target = targets.get(sheet.get(_REF), "")
        found[sheet.get("name", "")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return found


def _small(packed: zipfile.ZipFile, name: str) -> bytes:
    if packed.getinfo(name).file_size > 16 << 20:
        raise BatchMalformed(Message("workbook_part_large", name=name))
    return packed.read(name)


def _survey_xml(xml: bytes, survey: SheetSurvey) -> None:
    survey.cells += len(_CELL.findall(xml))
    for letters in set(_WIDE.findall(xml)):
        survey.columns = max(survey.columns, _column(letters) + 1)
    for number in _ROW.findall(xml)[-1:]:
        survey.rows = max(survey.rows, int(number))
    if b"<f" in xml or b":f" in xml:
        for match in _FORMULA.finditer(xml):
            if match["blank"] is None or b't="str"' not in match[1]:
                _fault(survey, match[1], Message("cell_not_computed"))
    if b't="e"' in xml:
        for match in _ERROR.finditer(xml):
            _fault(survey, match[1], Message("cell_error", error=match[2].decode("utf-8", "replace")))
    for left, top, right, bottom in _MERGED.findall(xml):
        first = (int(top) - 1, _column(left))
        survey.merged.append((first, (int(bottom) - 1, _column(right))))


def _fault(survey: SheetSurvey, attributes: bytes, fault: Message) -> None:
    if address := _ADDRESS.search(attributes):
        row, column = int(address[2]) - 1, _column(address[1])
        survey.faults.setdefault(row, {})[column] = fault


def _column(letters: bytes) -> int:
    """Return the number of a column, from 0 for A."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _letters(column: int) -> str:
    letters, number = "", column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
