"""Read one dropped file, in the format that its content shows. Runs in a process with limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from connectors.tables.csv_records import CsvRecords
from connectors.tables.rows import HEADER_WITHIN, Row, TableRows, bytes_of, find_header, names_of
from connectors.tables.safe_open import open_inside
from connectors.tables.text_file import delimiter_of, encoding_of, lines_of_text
from connectors.tables.vietnamese_text import repair_of
from connectors.tables.workbook import open_workbook
from ioc.errors import BatchMalformed, RecordUnfit
from ioc.messages import Message

ROWS_AT_ONCE = 2000
Line = tuple[Row, bytes]
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_PAGE = "a web page (HTML)"
_MARKUP = {
    b"<!doctype html": _PAGE,
    b"<html": _PAGE,
    b"<table": _PAGE,
    b"<?xml": "an XML file",
    b"{\\rtf": "a text document (RTF)",
    b"%pdf-": "a PDF",
}
_MAX_SAMPLE_CELLS = 2000


@dataclass(frozen=True)
class TableFormat:
    """The format of a source's files, from its configuration.

    `columns` are those that the mapping names, `sheet` the name of a sheet (empty: the first one), and `table_end` says
    where a table ends (TABLE_ENDS).
    """

    columns: frozenset[str]
    sheet: str = ""
    table_end: str = "auto"


def rows_of_file(folder: Path, path: Path, wanted: TableFormat, start: int = 0) -> Iterator[list[Line]]:
    """Yield the rows from number `start` on, ROWS_AT_ONCE at a time; nothing for a file without rows.

    Raises BatchMalformed when the file cannot be read at all or no header names all columns, and OSError.
    """
    with open_inside(folder, path) as file:
        try:
            lines = islice(lines_of(file, path.name, wanted), start, None)
            while chunk := list(islice(lines, ROWS_AT_ONCE)):
                yield chunk
        except (BatchMalformed, OSError, MemoryError):
            raise
        except Exception as fault:  # no file may stop its source, whatever a library raises
            raise BatchMalformed(Message("file_not_read", reason=repr(fault))) from fault


def lines_of(file: BinaryIO, name: str, wanted: TableFormat) -> Iterator[Line]:
    """Yield each data row by column name with its bytes. Raises BatchMalformed."""
    start = file.read(4096)
    if start.startswith((_ZIP, _OLE)):
        return _workbook_lines(file, wanted)
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for mark, kind in _MARKUP.items():
        if text.startswith(mark):
            ending = name.rpartition(".")[2]
            raise BatchMalformed(Message("not_workbook", kind=kind, ending=ending))
    if name.lower().endswith((".xlsx", ".xlsm", ".xlsb", ".ods")):
        raise BatchMalformed(Message("workbook_not_zip"))
    return _text_lines(file, wanted)


def _workbook_lines(file: BinaryIO, wanted: TableFormat) -> Iterator[Line]:
    book = open_workbook(file, wanted.sheet)
    rows = book.rows
    head = list(islice(rows, HEADER_WITHIN))
    sample = [cell for cells in head for cell in cells if isinstance(cell, str)]
    repair = repair_of(sample[:_MAX_SAMPLE_CELLS])
    if repair is not str:
        head = [[repair(cell) if isinstance(cell, str) else cell for cell in cells] for cells in head]
        rows = ([repair(cell) if isinstance(cell, str) else cell for cell in cells] for cells in rows)
    columns = set(wanted.columns)
    header = find_header(head, columns)
    table = TableRows(header, columns, pads=True, table_end=wanted.table_end)
    number = header.at + len(header.lines)
    for part in (head[number:], rows):
        for cells in part:
            faults = {
                column: Message("cell_fault", cell=book.address(number, column), fault=fault)
                for column, fault in book.faults.get(number, {}).items()
            }
            row = table.row(cells, faults)
            number += 1
            if row is not None:
                yield row, bytes_of(cells)


def _text_lines(file: BinaryIO, wanted: TableFormat) -> Iterator[Line]:
    encoding = encoding_of(file)
    columns = set(wanted.columns)
    first = list(islice(lines_of_text(file, encoding), 2 * HEADER_WITHIN))
    if encoding.repair is str and (repair := repair_of(first)) is not str:
        encoding = type(encoding)(encoding.codec, encoding.errors, repair)
        first = list(map(repair, first))
    delimiter = delimiter_of(first[:HEADER_WITHIN], lambda cells: len(columns & set(names_of(cells, []))))
    damaged = encoding.errors != "strict"
    head = [record for record, _ in islice(CsvRecords(iter(first), delimiter), HEADER_WITHIN)]
    header = find_header([[] if isinstance(record, RecordUnfit) else record for record in head], columns)
    records = CsvRecords(lines_of_text(file, encoding), delimiter, may_be_damaged=damaged)
    table = TableRows(header, columns, pads=False, table_end=wanted.table_end)
    data = islice(records, header.at + len(header.lines), None)
    records.width = len(header.names)
    for record, text in data:
        if isinstance(record, RecordUnfit):
            yield record, text.encode("utf-8", "surrogateescape")
            continue
        row = table.row(record)
        if row is not None:
            yield row, bytes_of(record)
