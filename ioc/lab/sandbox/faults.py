"""Error messages of queries for their author: DuckDB's words with line and column."""

from __future__ import annotations

import re
from typing import Any

import duckdb
import orjson

from ioc.lab.sandbox.statement import Refusal
from ioc.messages import Message

_JSON = re.compile(r"^(?P<kind>[^{]*?): (?P<json>\{.*\})\s*$", re.DOTALL)
_PATH = re.compile(r"(?<![\w.])/(?:[\w.\-]+/)+[\w.\-]*")


def fault_of(fault: Exception, sql: str) -> dict[str, Any]:
    """Return `message` with its `code` and `params`, and `line` and `column` from 1, null without a position."""
    if isinstance(fault, Refusal):
        line, column = place_of(sql, fault.offset_bytes)
        return error_shape(fault.message, line, column)
    message, offset = _of_duckdb(str(fault))
    if "Possible solutions" in message:  # these name settings that are of no use to an analyst
        message = message.split("\n", 1)[0]
    line, column = place_of(sql, offset)
    if "File too large" in message or "max_temp_directory_size" in message:
        return error_shape(Message("sql_disk"), line, column)
    if isinstance(fault, MemoryError):
        return error_shape(Message("sql_memory"), line, column)
    return error_shape(Message("sql_fault", detail=_PATH.sub("…", message)), line, column)


def error_shape(message: Message, line: int | None = None, column: int | None = None) -> dict[str, Any]:
    """Return what the lab's answers say of a failed query."""
    return {"message": str(message), **message.shape(), "line": line, "column": column}


def place_of(sql: str, offset_bytes: int | None) -> tuple[int | None, int | None]:
    """Return line and column (in characters) of a byte offset in the SQL."""
    content = sql.encode()
    if offset_bytes is None or not 0 <= offset_bytes <= len(content):
        return None, None
    before = content[:offset_bytes].decode(errors="ignore")
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _of_duckdb(text: str) -> tuple[str, int | None]:
    found = _JSON.match(text)
    if found is None:
        return text.strip(), None
    try:
        details = orjson.loads(found["json"])
    except orjson.JSONDecodeError:
        return text.strip(), None
    position = details.get("position")
    return f"{found['kind']}: {details.get('exception_message', '')}", int(position) if position is not None else None


def is_out_of_memory(fault: Exception) -> bool:
    return isinstance(fault, MemoryError | duckdb.OutOfMemoryException)
