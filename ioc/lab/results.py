"""Read query results from disk in pieces: rows as JSON; other formats through a separate process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any

import orjson

from ioc.clock import rfc3339
from ioc.errors import IocError
from ioc.lab.query import Query
from ioc.lab.result_values import json_value, python_values
from ioc.messages import Message
from ioc.supervisor.child_processes import die_with_parent

MEDIA = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
XLSX_ROWS = 100_000
_RENDERED_WITHIN_S = 120.0
_rendering = asyncio.Semaphore(1)


class RenderingFailed(IocError):
    """The file could not be made; the text says why."""


def rows_of(query: Query, offset: int, limit: int) -> list[list[Any]]:
    """Return rows [offset, offset + limit) as JSON values.

    `query` must have a result.
    """
    assert query.result is not None
    found: list[list[Any]] = []
    for begins, batch in _batches(query.result):
        if begins >= offset + limit:
            break
        if begins + batch.num_rows > offset:
            first = max(offset - begins, 0)
            found += _rows(batch.slice(first, offset + limit - begins - first), query.columns)
    return found


def json_pieces(query: Query) -> Iterator[bytes]:
    """Yield the whole answer, one batch of rows at a time.

    `query` must have a result. A value of the first batch that cannot be converted is raised before anything is
    sent; a later one breaks off the answer, which clients notice.
    """
    pieces = _json_pieces(query)
    beginning = b"".join(islice(pieces, 2))
    return chain([beginning], pieces)


def _json_pieces(query: Query) -> Iterator[bytes]:
    assert query.result is not None
    head = {
        "columns": query.columns,
        "row_count": query.row_count,
        "truncated": query.truncated,
        "elapsed_ms": round(query.elapsed_ms, 1),
        "snapshot": {"taken_at": rfc3339(query.taken_at) if query.taken_at else None},
    }
    yield orjson.dumps(head)[:-1] + b',"rows":['
    is_first = True
    for _, batch in _batches(query.result):
        for start in range(0, batch.num_rows, 1024):
            rows = _rows(batch.slice(start, 1024), query.columns)
            yield (b"" if is_first else b",") + orjson.dumps(rows)[1:-1]
            is_first = False
    yield b"]}"


async def rendered(query: Query, encoding: str, *, decimal_comma: bool = False) -> Path:
    """Return the result as a file of the given format; the first call makes it.

    `query` must have a result. `decimal_comma` writes CSV as Vietnamese spreadsheets expect it: semicolons between
    cells, a comma in numbers. Raises RenderingFailed.
    """
    result = query.result
    assert result is not None
    if encoding == "xlsx" and (query.row_count or 0) > XLSX_ROWS:
        raise RenderingFailed(Message("xlsx_rows", max=XLSX_ROWS))
    target = result.with_name(f"{result.stem}.{'comma' if decimal_comma else 'made'}.{encoding}")
    kinds = orjson.dumps([column["type"] for column in query.columns]).decode()
    async with _rendering:
        if target.exists():
            return target
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ioc.lab.rendering",
            str(result),
            str(target),
            kinds,
            env={"MALLOC_ARENA_MAX": "2", "TMPDIR": str(target.parent)},
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=die_with_parent,
        )
        try:
            async with asyncio.timeout(_RENDERED_WITHIN_S):
                _, stderr = await process.communicate()
        except BaseException as fault:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            if isinstance(fault, TimeoutError):
                raise RenderingFailed(Message("file_too_slow", seconds=_RENDERED_WITHIN_S)) from None
            raise
        if process.returncode:
            last = (stderr.decode(errors="replace").strip().splitlines() or ["its process was ended"])[-1]
            raise RenderingFailed(Message("file_failed", reason=last))
        return target


def _batches(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield (number of the first row, batch)."""
    import pyarrow as pa  # imported only when needed

    with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as stream:
        begins = 0
        for batch in stream:
            yield begins, batch
            begins += batch.num_rows


def _rows(batch: Any, described: list[dict[str, str]]) -> list[list[Any]]:
    columns = [
        [json_value(value) for value in python_values(column, about["type"])]
        for column, about in zip(batch.columns, described, strict=True)
    ]
    return [list(row) for row in zip(*columns, strict=True)] if columns else []
