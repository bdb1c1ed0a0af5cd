"""Find the header of a table and return its rows by column name. Pure.

Agencies write titles above the header, headers over two lines with merged cells, headers repeated on every printed
page, blank lines, and a summary after the table; cells merged over several rows mean the same value in each.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as clock_time
from typing import Any

from ioc.errors import BatchMalformed, RecordUnfit
from ioc.messages import Message
from ioc.model.rejection import Reason
from ioc.wire.compact_json import kept_json

Cells = Sequence[Any]
Row = Mapping[str, Any] | RecordUnfit
HEADER_WITHIN = 50
TABLE_ENDS = ("auto", "blank line", "file")
"""How a table ends; see `TableRows`."""
_NO_FAULTS: Mapping[int, Message] = {}


@dataclass(frozen=True)
class Header:
    """The line where the header begins, the names of its columns, and its one or two lines, normalised."""

    at: int
    names: list[str]
    lines: list[list[str]]


def find_header(head: Sequence[Cells], columns: set[str]) -> Header:
    """Return the first line, alone or with the next one, that names all columns. Raises BatchMalformed."""
    for at, cells in enumerate(head):
        for depth in (1, 2):
            below = head[at + 1] if depth == 2 and at + 1 < len(head) else []
            names = names_of(cells, below)
            if columns <= set(names) and any(names):
                return Header(at, names, [[header_text(cell) for cell in line] for line in head[at : at + depth]])
    best = max((names_of(cells, []) for cells in head), key=lambda names: len(columns & set(names)), default=[])
    missing = ", ".join(sorted(columns - set(best)))
    raise BatchMalformed(Message("header_missing", count=HEADER_WITHIN, missing=missing))


class TableRows:
    """Turns the lines after a header into rows.

    `pads`: a line may be shorter than the header. `table_end` says what a blank line means: with "file" nothing; with
    "blank line" the table has ended until its header comes again; with "auto" it has ended until the next blank line,
    if the next line lacks a mapped column that every row before had. Lines after the end are refused as total rows.
    """

    def __init__(self, header: Header, columns: set[str], *, pads: bool, table_end: str = "auto") -> None:
        self._names = header.names
        self._header_lines = [
            (next((i for i, text in enumerate(line) if text), 0), line) for line in header.lines if any(line)
        ]
        self._pads = pads
        self._table_end = table_end
        self._mapped = [i for i, name in enumerate(header.names) if name in columns]
        self._always = self._mapped
        self._rows = 0
        self._is_after_blank = self._is_over = False

    def row(self, cells: Cells, faults: Mapping[int, Message] = _NO_FAULTS) -> Row | None:
        """Return the row of a line; None for a blank line or a header. `faults` says why cells have no value."""
        plain = _plain_cells(cells)
        if not any(plain) and not faults and all(map(_is_blank, plain)):
            self._is_after_blank = True
            return None
        if self._is_header(plain):
            self._is_after_blank = self._is_over = False
            return None
        if self._table_end != "file" and self._is_summary(plain, faults):
            return RecordUnfit(Reason.TOTAL_ROW, "", Message("row_after_end"))
        for column in faults:
            if column in self._mapped:
                return RecordUnfit(Reason.MALFORMED, "", faults[column])
        count, names = len(plain), self._names
        if count > len(names) and not all(map(_is_blank, plain[len(names) :])):
            return self._wrong_width(count)
        if count < len(names) and not self._pads:
            return self._wrong_width(count)
        return dict(zip(names, plain, strict=False))

    def _wrong_width(self, count: int) -> RecordUnfit:
        return RecordUnfit(Reason.MALFORMED, "", Message("line_cells", count=count, names=len(self._names)))

    def _is_header(self, plain: Cells) -> bool:
        for first, line in self._header_lines:
            may_be = len(plain) == len(line) and header_text(plain[first]) == line[first]  # most rows are not
            if may_be and [header_text(cell) for cell in plain] == line:
                return True
        return False

    def _is_summary(self, plain: Cells, faults: Mapping[int, Message]) -> bool:
        filled = self._always
        for i in filled:
            if i >= len(plain) or not plain[i]:
                filled = [i for i in filled if i in faults or (i < len(plain) and not _is_blank(plain[i]))]
                break
        if self._is_after_blank:
            self._is_after_blank = False
            if self._table_end == "blank line":
                self._is_over = self._is_over or self._rows > 0
            else:
                self._is_over = self._rows > 1 and len(filled) < len(self._always)
        if not self._is_over:
            self._rows += 1
            self._always = filled
        return self._is_over


def names_of(top: Cells, below: Cells) -> list[str]:
    """Return the names of columns: of two lines the lower name, where there is one.

    The second of two equal names is called `name (2)`.
    """
    count = max(len(top), len(below))
    upper = [header_text(top[i]) if i < len(top) else "" for i in range(count)]
    lower = [header_text(below[i]) if i < len(below) else "" for i in range(count)]
    names: list[str] = []
    times: dict[str, int] = {}
    below_twice = {text for text in lower if lower.count(text) > 1} if any(lower) else set()
    group = ""
    for high, low in zip(upper, lower, strict=True):
        group = high or group
        name = low if low and low != high else high
        if low and low != high and (low in below_twice or low in times):
            name = f"{group} / {low}"
        times[name] = repeats = times.get(name, 0) + 1
        names.append(f"{name} ({repeats})" if name and repeats > 1 else name)
    return names


def header_text(cell: Any) -> str:
    """Return a header cell for comparison: one form of accents, single spaces."""
    if type(cell) is str and cell.isascii():
        return " ".join(cell.split())
    return " ".join(unicodedata.normalize("NFC", str(cell)).split()) if cell is not None else ""


def bytes_of(cells: Cells) -> bytes:
    """Return the line as JSON, for its dead letter."""
    return kept_json(cells, default=str)


def _plain_cells(cells: Cells) -> list[Any]:
    """Return the cells for the mapping: trimmed texts with one form of accents, and dates as times."""
    try:
        text = "".join(cells)
    except TypeError:
        return [_plain(cell) for cell in cells]
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return [cell.strip() for cell in cells]
    return [unicodedata.normalize("NFC", cell).strip() for cell in cells]


def _is_blank(cell: Any) -> bool:
    return cell is None or cell == ""


def _plain(cell: Any) -> Any:
    if isinstance(cell, str):
        return cell.strip() if cell.isascii() else unicodedata.normalize("NFC", cell).strip()
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return datetime.combine(cell, clock_time())
    return cell
