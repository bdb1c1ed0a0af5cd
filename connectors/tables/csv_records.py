"""Read the records of CSV text in such a way that a damaged line spoils no other. Works on an iterator of lines."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import islice

from ioc.errors import RecordUnfit
from ioc.messages import Message
from ioc.model.rejection import Reason

_CHUNK_LINES = 2000
_MAX_CELL_LINES = 100
"""A quoted cell may span so many lines; one that does not end by then has lost its closing quote."""
_UNDECODED = re.compile("[\udc80-\udcff\ufffd]")

Record = list[str] | RecordUnfit


class CsvRecords:
    """The records of CSV text; iterate over them.

    `width`, once set, is the number of cells of a record: a cell over several lines that leads to another number had no
    closing quote. `may_be_damaged` says that lines may hold what the codec put for bytes it could not decode.
    """

    def __init__(self, lines: Iterator[str], delimiter: str, *, may_be_damaged: bool = False) -> None:
        self.width: int | None = None
        self._lines = lines
        self._delimiter = delimiter
        self._may_be_damaged = may_be_damaged
        self._number = 0
        self._held: list[str] = []

    def __iter__(self) -> Iterator[tuple[Record, str]]:
        """Yield each record with its text: its cells and an empty text, or the fault of a line and that line."""
        while chunk := self._next(_CHUNK_LINES):
            text = "".join(chunk)
            if '"' not in text and "\0" not in text and not (self._may_be_damaged and _UNDECODED.search(text)):
                try:
                    records = list(csv.reader(chunk, delimiter=self._delimiter))
                except csv.Error:
                    pass
                else:
                    self._number += len(chunk)
                    for record in records:
                        yield record, ""
                    continue
            yield from self._line_by_line(chunk)

    def _line_by_line(self, chunk: list[str]) -> Iterator[tuple[Record, str]]:
        """Read one line after the other; lines of an open quote are fetched from after the chunk."""
        self._held = chunk + self._held
        for _ in range(len(chunk)):
            if not self._held:
                return
            line = self._held.pop(0)
            self._number += 1
            try:
                cells = self._cells(line)
            except csv.Error as fault:
                yield self._unfit(Message("csv_line_unreadable", detail=str(fault))), line
                continue
            if cells is None:
                yield self._unfit(Message("csv_quote")), line
            elif self._may_be_damaged and _UNDECODED.search(line):
                yield self._unfit(Message("csv_bytes")), line
            else:
                yield cells, ""

    def _cells(self, line: str) -> list[str] | None:
        """Return the cells of the record that begins with the line; None when a quote stays open. Raises csv.Error."""
        if '"' not in line or self._is_closed([line]):
            return next(csv.reader([line], delimiter=self._delimiter), [])
        lines, quotes = [line], line.count('"')
        self._held += self._next(_MAX_CELL_LINES - len(self._held), from_input=True)
        for following in self._held[:_MAX_CELL_LINES]:
            lines.append(following)
            quotes += following.count('"')
            if quotes % 2 == 0:
                break
        else:
            return None
        if not self._is_closed(lines):
            return None
        cells = next(csv.reader(lines, delimiter=self._delimiter, strict=True))
        if self.width is not None and len(cells) != self.width:
            return None
        del self._held[: len(lines) - 1]
        self._number += len(lines) - 1
        return cells

    def _is_closed(self, lines: list[str]) -> bool:
        """Whether the lines are complete records; several lines must be one record, with its quotes in place."""
        try:
            records = list(csv.reader(lines, delimiter=self._delimiter, strict=True))
        except csv.Error as fault:
            return len(lines) == 1 and "unexpected end" not in str(fault)
        return len(records) == 1

    def _next(self, count: int, *, from_input: bool = False) -> list[str]:
        """Return up to `count` lines, first those that were read ahead; with `from_input` only from the input."""
        if from_input:
            return list(islice(self._lines, max(0, count)))
        held, self._held = self._held[:count], self._held[count:]
        return held + list(islice(self._lines, count - len(held)))

    def _unfit(self, fault: Message) -> RecordUnfit:
        return RecordUnfit(Reason.MALFORMED, "", Message("csv_line", line=self._number, fault=fault))
