"""Tables as agencies hand them over: find the header, give rows by column name. Pure but for reading the file.

Title lines above the header, a header over two lines with merged cells, a header repeated on every printed page and
blank lines are all usual; cells merged over several rows mean the same value in each.
"""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from datetime import time as clock_time
from itertools import chain, islice
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineSheet, load_workbook

from ioc.errors import BatchMalformed, RecordUnfit
from ioc.model.rejection import Reason
from ioc.wire.kept_json import kept_json

Cells = Sequence[Any]
Line = tuple[Mapping[str, Any] | RecordUnfit, bytes]
EXCEL = frozenset({".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"})
_HEADER_WITHIN = 50
_DELIMITERS = ",;\t"


def lines_of(path: Path, columns: set[str], sheet: str = "") -> Iterator[Line]:
    """Each data row by column name beside its bytes. Raises BatchMalformed when the file cannot be read at all, or no
    header names all of `columns`."""
    if path.suffix.lower() in EXCEL:
        yield from _rows(_excel(path, sheet), columns, pads=True)
    else:
        encoding = _encoding(path)
        delimiter = _delimiter(path, encoding, columns)
        yield from _rows(_csv(path, encoding, delimiter), columns, pads=False)


def _rows(lines: Iterator[Cells], columns: set[str], *, pads: bool) -> Iterator[Line]:
    head = list(islice(lines, _HEADER_WITHIN))
    at, names, depth = _header(head, columns)
    header_lines = [[_word(cell) for cell in cells] for cells in head[at : at + depth]]
    for cells in chain(head[at + depth :], lines):
        words = [_word(cell) for cell in cells]
        if not any(words) or words in header_lines:
            continue
        own = kept_json([None if c == "" else c for c in cells], default=str)
        if (len(cells) > len(names) and any(words[len(names) :])) or (len(cells) < len(names) and not pads):
            sentence = f"The line has {len(cells)} cells, the header {len(names)}."
            yield RecordUnfit(Reason.MALFORMED, "", sentence), own
        else:
            yield {name: _plain(cell) for name, cell in zip(names, cells, strict=False)}, own


def _header(head: list[Cells], columns: set[str]) -> tuple[int, list[str], int]:
    """Line number, names and depth (1 or 2 lines) of the first header that names all columns."""
    for at, cells in enumerate(head):
        for depth in (1, 2):
            below = head[at + 1] if depth == 2 and at + 1 < len(head) else []
            names = _names(cells, below)
            if columns <= set(names) and any(names):
                return at, names, depth
    best = max((_names(cells, []) for cells in head), key=lambda names: len(columns & set(names)), default=[])
    missing = ", ".join(sorted(columns - set(best)))
    raise BatchMalformed(f"No line among the first {_HEADER_WITHIN} is a header with the columns {missing}.")


def _names(top: Cells, below: Cells) -> list[str]:
    """Of two lines the lower names, where there are any; of names that repeat the second is called `name (2)`."""
    count = max(len(top), len(below))
    upper = [_word(top[i]) if i < len(top) else "" for i in range(count)]
    lower = [_word(below[i]) if i < len(below) else "" for i in range(count)]
    names: list[str] = []
    group = ""
    for high, low in zip(upper, lower, strict=True):
        group = high or group
        name = low if low and low != high else high
        if low and low != high and (lower.count(low) > 1 or low in names):
            name = f"{group} / {low}"
        repeats = sum(known == name or known.startswith(f"{name} (") for known in names)
        names.append(f"{name} ({repeats + 1})" if name and repeats else name)
    return names


def _word(cell: Any) -> str:
    """A header cell as it is compared: one form of accents, single spaces."""
    return " ".join(unicodedata.normalize("NFC", str(cell)).split()) if cell is not None else ""


def _plain(cell: Any) -> Any:
    if isinstance(cell, str):
        return unicodedata.normalize("NFC", cell).strip()
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return datetime.combine(cell, clock_time())
    return cell


def _excel(path: Path, sheet_name: str) -> Iterator[Cells]:
    try:
        book = load_workbook(path)
        if sheet_name and sheet_name not in book.sheet_names:
            raise BatchMalformed(f"The workbook has no sheet {sheet_name!r}, but {', '.join(book.sheet_names)}.")
        sheet = book.get_sheet_by_name(sheet_name) if sheet_name else book.get_sheet_by_index(0)
        rows = [list(cells) for cells in sheet.to_python(skip_empty_area=False)]
        _spread_merged(rows, sheet)
    except (CalamineError, OSError, IndexError, ValueError) as fault:
        raise BatchMalformed(f"The workbook cannot be read: {fault}.") from fault
    yield from rows


def _spread_merged(rows: list[list[Any]], sheet: CalamineSheet) -> None:
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or []:
        if top >= len(rows) or left >= len(rows[top]):
            continue
        for row in rows[top : bottom + 1]:
            for column in range(left, min(right + 1, len(row))):
                row[column] = rows[top][left]


def _csv(path: Path, encoding: str, delimiter: str) -> Iterator[Cells]:
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=False)
        try:
            yield from reader
        except (csv.Error, UnicodeError) as fault:
            raise BatchMalformed(f"The CSV cannot be read at line {reader.line_num}: {fault}.") from fault


def _encoding(path: Path) -> str:
    """UTF-8 and UTF-16 by their marks or by being valid; else cp1258, the Vietnamese code page of older Windows."""
    with path.open("rb") as file:
        start = file.read(4096)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if b"\0" in start:
            if start.count(0) == start[1::2].count(0) and start.count(0) > len(start) // 4:
                return "utf-16-le"
            raise BatchMalformed("The file is no text; only CSV and Excel files are taken.")
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while piece := file.read(1 << 20):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1258"
    return "utf-8-sig"


def _delimiter(path: Path, encoding: str, columns: set[str]) -> str:
    """The one whose lines hold a header, else the one that cuts most."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            text = "".join(islice(file, _HEADER_WITHIN))
    except UnicodeError as fault:
        raise BatchMalformed(f"The CSV is neither UTF-8, UTF-16 nor cp1258: {fault}.") from fault

    def fits(delimiter: str) -> tuple[int, int]:
        head = list(csv.reader(io.StringIO(text), delimiter=delimiter))
        named = max((len(columns & set(_names(cells, []))) for cells in head), default=0)
        return named, sum(len(cells) for cells in head)

    return max(_DELIMITERS, key=fits)
