"""Read the records of CSV text so that a damaged line costs itself alone. Works on an iterator of lines."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import islice

from ioc.errors import RecordUnfit
from ioc.model.rejection import Reason

_AT_ONCE = 2000
_LINES_OF_A_CELL = 100
"""A quoted cell may go over so many lines; one that does not end by then has lost its closing quote."""
_UNDECODED = re.compile("[\udc80-\udcff\ufffd]")

Record = list[str] | RecordUnfit


class CsvRecords:
    """Iterate over the records: their cells, or why a line is none (its text is in `line_of`).

    `width`, once known, is the number of cells of a record: a cell over several lines that leads to another number had
    no closing quote. `may_be_damaged` says that lines may hold what the codec put for bytes it could not decode.
    """

    def __init__(self, lines: Iterator[str], delimiter: str, *, may_be_damaged: bool = False) -> None:
        self.width: int | None = None
        self._lines = lines
        self._delimiter = delimiter
        self._may_be_damaged = may_be_damaged
        self._number = 0
        self._held: list[str] = []

    def __iter__(self) -> Iterator[tuple[Record, str]]:
        """Each record beside its text, which is empty for a sound one."""
        while chunk := self._next(_AT_ONCE):
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
            yield from self._carefully(chunk)

    def _carefully(self, chunk: list[str]) -> Iterator[tuple[Record, str]]:
        """One line after the other; those that belong to an open quote are fetched from behind the chunk."""
        self._held = chunk + self._held
        for _ in range(len(chunk)):
            if not self._held:
                return
            line = self._held.pop(0)
            self._number += 1
            try:
                cells = self._cells(line)
            except csv.Error as fault:
                yield self._unfit(f"cannot be read: {fault}"), line
                continue
            if cells is None:
                yield self._unfit("opens a quote that is never closed"), line
            elif self._may_be_damaged and _UNDECODED.search(line):
                yield self._unfit("holds bytes that are no text"), line
            else:
                yield cells, ""

    def _cells(self, line: str) -> list[str] | None:
        """The cells of the record that begins with the line; None when a quote stays open. Raises csv.Error."""
        if '"' not in line or self._is_closed([line]):
            return next(csv.reader([line], delimiter=self._delimiter), [])
        lines, quotes = [line], line.count('"')
        self._held += self._next(_LINES_OF_A_CELL - len(self._held), behind=True)
        for following in self._held[:_LINES_OF_A_CELL]:
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
        """Whether the lines are whole records. Of several lines also whether they are one, with quotes where they
        belong."""
        try:
            records = list(csv.reader(lines, delimiter=self._delimiter, strict=True))
        except csv.Error as fault:
            return len(lines) == 1 and "unexpected end" not in str(fault)
        return len(records) == 1

    def _next(self, count: int, *, behind: bool = False) -> list[str]:
        """Up to `count` lines, first those that were looked at already; `behind` these only from the input."""
        if behind:
            return list(islice(self._lines, max(0, count)))
        held, self._held = self._held[:count], self._held[count:]
        return held + list(islice(self._lines, count - len(held)))

    def _unfit(self, sentence: str) -> RecordUnfit:
        return RecordUnfit(Reason.MALFORMED, "", f"Line {self._number} {sentence}.")
