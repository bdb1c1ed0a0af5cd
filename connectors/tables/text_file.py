"""Find encoding, line ends and delimiter of a text table."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from connectors.tables.vietnamese_text import Repair, decode_legacy
from ioc.errors import BatchMalformed
from ioc.messages import Message

DELIMITERS = ",;\t|"
_SAMPLE_BYTES = 1 << 18
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Encoding:
    """How to decode a text: `errors` as in `open`; `repair` is applied to every line."""

    codec: str
    errors: str = "strict"
    repair: Repair = str


def encoding_of(file: BinaryIO) -> Encoding:
    """Return the encoding of a file.

    UTF-8, UTF-16 and UTF-32 are recognised by their marks or because the content is valid, also if a few bytes are
    damaged; else one of the older Vietnamese encodings. Raises BatchMalformed if it is not text or is in another one.
    """
    file.seek(0)
    start = file.read(4096)
    for mark, codec in _MARKS:
        if start.startswith(mark):
            return Encoding(codec, "replace")
    if b"\0" in start:
        if start.count(0) == start[1::2].count(0) and start.count(0) > len(start) // 4:
            return Encoding("utf-16-le", "replace")
        if start.count(0) == start[::2].count(0) and start.count(0) > len(start) // 4:
            return Encoding("utf-16-be", "replace")
        raise BatchMalformed(Message("file_not_text"))
    fault_at = _first_fault(file)
    if fault_at is None:
        return Encoding("utf-8-sig")
    file.seek(max(0, fault_at - _SAMPLE_BYTES // 4))
    sample = file.read(_SAMPLE_BYTES)
    text = sample.decode("utf-8", "surrogateescape")
    damaged = sum("\udc80" <= letter <= "\udcff" for letter in text)
    if sum(not letter.isascii() for letter in text) - damaged > 5 * damaged:
        return Encoding("utf-8-sig", "surrogateescape")
    codec, repair = decode_legacy(lambda codec: sample.decode(codec, "replace"))
    return Encoding(codec, "replace", repair)


def lines_of_text(file: BinaryIO, encoding: Encoding) -> Iterator[str]:
    """Return the lines from the beginning, with their ends: `\\n`, or `\\r` in a file without `\\n`."""
    start = _text(file, encoding.codec, "replace", "").read(1 << 16)
    newline = "\r" if "\r" in start and "\n" not in start else "\n"
    text = _text(file, encoding.codec, encoding.errors, newline)
    return iter(text) if encoding.repair is str else map(encoding.repair, text)


def delimiter_of(head: list[str], named: Callable[[list[str]], int]) -> str:
    """Return the delimiter with which a line of `head` has the most known names, as `named` counts them.

    Among equals it is the one that gives the most cells.
    """

    def fits(delimiter: str) -> tuple[int, int]:
        records = []
        for line in head:
            try:
                records += list(csv.reader([line], delimiter=delimiter))
            except csv.Error:
                continue
        whole = _whole_head(head, delimiter)
        return max(map(named, records + whole), default=0), sum(map(len, records))

    return max(DELIMITERS, key=fits)


def _text(file: BinaryIO, codec: str, errors: str, newline: str) -> io.TextIOWrapper:
    """Return a reader from the beginning of the file; closing it leaves the file open."""
    raw = io.FileIO(file.fileno(), closefd=False)
    raw.seek(0)
    return io.TextIOWrapper(io.BufferedReader(raw, 1 << 16), codec, errors, newline=newline)


def _whole_head(head: list[str], delimiter: str) -> list[list[str]]:
    """Return the records of the head, with cells over several lines."""
    try:
        return list(csv.reader(head, delimiter=delimiter))
    except csv.Error:
        return []


def _first_fault(file: BinaryIO) -> int | None:
    """Return about where the bytes are not UTF-8; None when all are."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    at = 0
    try:
        while piece := file.read(1 << 20):
            decoder.decode(piece)
            at += len(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as fault:
        return at + fault.start
    return None
