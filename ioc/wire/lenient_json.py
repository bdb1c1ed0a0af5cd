"""Read JSON and NDJSON from outside so that one broken record never costs its neighbours. Pure.

Valid JSON goes through orjson in one step, or through Python's own parser where orjson would lose something silently (a
whole number beyond 64 bits). Where neither can read all of it, the text is split into records at its brackets, and each
record is read alone.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from ioc.errors import BatchMalformed, RecordUnfit
from ioc.messages import Message
from ioc.model.rejection import Reason

MAX_DIGITS = 400
"""A whole number of more digits is beyond every double and is read as infinite."""
_SHOWN_CHARACTERS = 60
_BEYOND_64_BITS = 2.0**63
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+("|)|[\[\]{},:]', re.DOTALL)
_SPACED_COLON = re.compile(rb'"\s+:')
_STEP = re.compile(r"[^.\[\]]+")
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")

Record = tuple[Any, bytes]
"""A record's value, or RecordUnfit where it cannot be read, and its own bytes (empty where nobody needs them: the value
says the same).
"""


@dataclass(frozen=True)
class Document:
    """The whole content as parsed, and its records.

    `body` may have an empty list in place of the records. `records` is None when there is no list at the path.
    """

    body: Any
    records: list[Record] | None


def read_records(content: bytes) -> list[Record]:
    """Return the records of an object, of an array, or of lines.

    Raises BatchMalformed when the records cannot be separated.
    """
    content = utf8(content)
    try:
        records = read_document(content).records
        return [read_value(content)] if records is None else records
    except BatchMalformed:
        # Producers often send lines without saying so; a line that is a whole object shows it.
        if content.lstrip()[:1] != b"[":
            records = read_lines(content)
            if len(records) > 1 and any(isinstance(value, dict) for value, _ in records):
                return records
        raise


def read_lines(content: bytes) -> list[Record]:
    """Return one record per line that is not empty."""
    return [read_value(line) for line in utf8(content).splitlines() if line.strip()]


def read_document(content: bytes, path: str = "") -> Document:
    """Return the records of the list at `path` (`data.rows`), and what surrounds them.

    Content that is a list is the list of records whatever the path. Raises BatchMalformed with line and column when the
    brackets of the content do not match.
    """
    content = utf8(content)
    try:
        parsed = orjson.loads(content)
    except orjson.JSONDecodeError as fault:
        return _cut_document(content, path, fault)
    if _loses_something(parsed, content):
        try:
            parsed = _exact(content)
        except (RecordUnfit, RecursionError, ValueError):
            return _cut_document(content, path, None)
    items = parsed if isinstance(parsed, list) else _found(parsed, path)
    return Document(parsed, [(item, b"") for item in items] if isinstance(items, list) else None)


def read_value(content: bytes) -> Record:
    """Read one value, with NaN and Infinity as numbers; RecordUnfit with the position of what is wrong."""
    try:
        value = orjson.loads(content)
        if not _loses_something(value, content):
            return value, content
    except orjson.JSONDecodeError:
        pass
    try:
        return _exact(content), content
    except UnicodeDecodeError as fault:
        return _unfit(Message("not_utf8_from", start=fault.start, shown=shown(content[fault.start :]))), content
    except json.JSONDecodeError as fault:
        return _unfit(Message("not_json_at", detail=fault.msg, position=fault.pos, shown=shown(fault.doc))), content
    except RecursionError:
        return _unfit(Message("record_deep")), content
    except RecordUnfit as fault:
        return fault, content


def utf8(content: bytes) -> bytes:
    """Return the content without a byte order mark, UTF-16 and UTF-32 as UTF-8. Raises BatchMalformed."""
    if content[:3] == b"\xef\xbb\xbf":
        return content[3:]
    if not content.startswith(_WIDE_MARKS):
        return content
    encoding = json.detect_encoding(content)
    try:
        return content.decode(encoding).encode(errors="surrogatepass")
    except UnicodeDecodeError as fault:
        raise BatchMalformed(Message("not_encoding", encoding=encoding, start=fault.start)) from None


def shown(value: Any) -> str:
    """Return the beginning of a value for a sentence, at most 60 characters."""
    text = value[:200].decode(errors="replace") if isinstance(value, bytes) else value
    text = repr(text[: _SHOWN_CHARACTERS + 1] if isinstance(text, str) else text)
    return text if len(text) <= _SHOWN_CHARACTERS + 2 else f"{text[:_SHOWN_CHARACTERS]}…"


def readable(name: str) -> str:
    """Return a field's name as it may be stored: at most 60 characters, half characters replaced."""
    return name[:_SHOWN_CHARACTERS].encode(errors="replace").decode()


def _cut_document(content: bytes, path: str, fault: orjson.JSONDecodeError | None) -> Document:
    try:
        start, end = _located(content, path)
        if content[start : start + 1] == b"[":
            records = [read_value(content[first:last]) for _, first, last in _children(content, start)]
            body, _ = read_value(content[:start] + b"[]" + content[end:])
        else:
            records, (body, _) = None, read_value(content)
    except _Broken:
        raise BatchMalformed(Message("not_json", reason=str(fault or "its brackets do not fit"))) from None
    if isinstance(body, RecordUnfit):
        raise BatchMalformed(body.message)
    return Document(body, records)


class _Broken(Exception):
    """The brackets or quotes do not match."""


def _located(content: bytes, path: str) -> tuple[int, int]:
    """Return where the value at the path begins and ends. Raises _Broken."""
    start = len(content) - len(content.lstrip())
    place = start, _end(content, start)
    if content[place[1] :].strip():
        raise _Broken
    if not path or content[start : start + 1] == b"[":
        return place
    whole = dict(_members(content, place[0]))
    if path in whole:
        return whole[path]
    for step in _STEP.findall(path):
        place_of_step = dict(_members(content, place[0])).get(step)
        if place_of_step is None:
            return len(content), len(content)
        place = place_of_step
    return place


def _members(content: bytes, start: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield name (or index) and position of each value in an object or array at `start`; nothing for another value."""
    if content[start : start + 1] in (b"{", b"["):
        for name, first, last in _children(content, start):
            yield name, (first, last)


def _children(content: bytes, start: int) -> Iterator[tuple[str, int, int]]:
    """Yield name (the index in an array), begin and end of each value in an object or array. Raises _Broken."""
    is_object = content[start : start + 1] == b"{"
    closing = b"}" if is_object else b"]"
    depth, first, count, name = 0, start + 1, 0, ""
    for token in _TOKEN.finditer(content, start):
        sign = content[token.start() : token.start() + 1]
        if sign == b'"':
            if not token[1]:
                raise _Broken
        elif sign in b"[{":
            depth += 1
        elif sign == b":":
            if depth == 1 and is_object and not name:
                name = str(read_value(content[first : token.start()].strip())[0])
                first = token.end()
        elif depth == 1:  # a comma, or the end
            if sign not in (b",", closing):
                raise _Broken
            piece = content[first : token.start()]
            if sign == b"," or piece.strip():
                begin = first + len(piece) - len(piece.lstrip())
                yield name if is_object else str(count), begin, first + len(piece.rstrip())
            if sign == closing:
                return
            first, count, name = token.end(), count + 1, ""
        elif sign in b"]}":
            depth -= 1
    raise _Broken


def _end(content: bytes, start: int) -> int:
    """Return the end of the object or array at `start`; for another value the end of the content. Raises _Broken."""
    if content[start : start + 1] not in (b"{", b"["):
        return len(content)
    depth = 0
    for token in _TOKEN.finditer(content, start):
        sign = content[token.start() : token.start() + 1]
        if sign == b'"' and not token[1]:
            raise _Broken
        depth += (sign in b"[{") - (sign in b"]}")
        if depth == 0:
            return token.end()
    raise _Broken


def _exact(content: bytes) -> Any:
    """Parse five times as slowly as orjson, but exactly.

    Raises RecordUnfit for a field that occurs twice, UnicodeDecodeError, JSONDecodeError and RecursionError.
    """
    return json.loads(content.decode(), object_pairs_hook=_fields, parse_int=_whole)


def _loses_something(parsed: Any, content: bytes) -> bool:
    """Return whether an exact parser could find more: fields that occur twice, whole numbers that became a double."""
    fields, has_large = _counted(parsed)
    return has_large or content.count(b'":') != fields or _SPACED_COLON.search(content) is not None


def _counted(parsed: Any) -> tuple[int, bool]:
    """Return the number of fields of all objects, and whether a number is beyond 64 bits."""
    fields, has_large = 0, False
    waiting = [parsed]
    while waiting:
        value = waiting.pop()
        if type(value) is dict:
            fields += len(value)
            waiting.extend(inner for inner in value.values() if type(inner) in _LOOKED_INTO)
        elif type(value) is list:
            waiting.extend(inner for inner in value if type(inner) in _LOOKED_INTO)
        elif type(value) is float and abs(value) >= _BEYOND_64_BITS:
            has_large = True
    return fields, has_large


_LOOKED_INTO = frozenset({dict, list, float})


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise RecordUnfit(Reason.MALFORMED, readable(twice), Message("field_twice", given=shown(twice)))
    return fields


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else float("-inf" if digits.startswith("-") else "inf")


def _found(parsed: Any, path: str) -> Any:
    if isinstance(parsed, dict) and path in parsed:
        return parsed[path]
    for step in _STEP.findall(path):
        if isinstance(parsed, dict):
            parsed = parsed.get(step)
        elif isinstance(parsed, list) and step.isdigit() and int(step) < len(parsed):
            parsed = parsed[int(step)]
        else:
            return None
    return parsed


def _unfit(sentence: Message) -> RecordUnfit:
    return RecordUnfit(Reason.MALFORMED, "", sentence)
