"""Error messages of queries for their author: DuckDB's words with line and column."""

from __future__ import annotations

import re
from typing import Any

import duckdb
import orjson

from ioc.lab.sandbox.statement import Refusal

_JSON = re.compile(r"^(?P<kind>[^{]*?): (?P<json>\{.*\})\s*$", re.DOTALL)
_PATH = re.compile(r"(?<![\w.])/(?:[\w.\-]+/)+[\w.\-]*")


def fault_of(fault: Exception, sql: str) -> dict[str, Any]:
    """Return `message`, and `line` and `column` from 1, null where DuckDB gives no position."""
    if isinstance(fault, Refusal):
        line, column = place_of(sql, fault.offset_bytes)
        return {"message": fault.message, "line": line, "column": column}
    message, offset = _of_duckdb(str(fault))
    if "Possible solutions" in message:  # these name settings that are of no use to an analyst
        message = message.split("\n", 1)[0]
    if "File too large" in message or "max_temp_directory_size" in message:
        message = "The query needs more temporary disk than one query has here; narrow it down."
    if isinstance(fault, MemoryError):
        message = "Out of Memory Error: the query needs more memory than one query has here."
    line, column = place_of(sql, offset)
    return {"message": _PATH.sub("…", message), "line": line, "column": column}


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
