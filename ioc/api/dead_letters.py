"""GET /api/v1/dead-letters: unfit records with reason and bytes, a page at a time."""

from base64 import b64encode
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from typing_extensions import TypedDict

from ioc.api.answers import Json
from ioc.api.centre import Centre
from ioc.api.paging import cursor_after, parse_cursor
from ioc.api.problems import Problem
from ioc.api.rows import equal_to, select, stored_time
from ioc.api.threads import Threads

SHOWN_BYTES = 16 * 1024
_COLUMNS = (
    '"key", source, topic, partition, "offset", "index", field, reason, message, cut_from, "at", records, '
    "replayed_at, replayed_by"
)
_PAGE = f"""
SELECT {_COLUMNS}, octet_length(content) AS size, content[1:{SHOWN_BYTES}] AS content
FROM dead_letters WHERE {{where}} ORDER BY "at" DESC, "key" DESC LIMIT ?
"""
_ONE = f"SELECT {_COLUMNS}, octet_length(content) AS size, content FROM dead_letters WHERE {{where}} LIMIT 1"


class DeadLetterShape(TypedDict):
    """`content_base64` are the record's first bytes (all of them when one letter is asked for); `content_text` is the
    same where it is UTF-8; `content_size_bytes` is the record's size as it was received. With `records` above 1 it
    stands for that many with the same fault, one a line. `replayed_at` and `replayed_by` are null unless the record was
    read again; it then counts as a new one."""

    key: str
    source: str
    topic: str
    partition: int
    offset: int
    index: int
    field: str
    reason: str
    message: str
    at: str
    records: int
    replayed_at: str | None
    replayed_by: str | None
    content_base64: str
    content_text: str | None
    content_size_bytes: int


class DeadLetterPage(TypedDict):
    dead_letters: list[DeadLetterShape]
    next: str | None


def routes(centre: Centre, threads: Threads) -> APIRouter:
    router = APIRouter(prefix="/api/v1/dead-letters", tags=["sources"])

    @router.get("", response_model=DeadLetterPage)
    async def dead_letters(
        source: str | None = None,
        reason: str | None = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        cursor: Annotated[str | None, Query(description="`next` of the page before")] = None,
    ) -> Response:
        """Newest first. `next` is null on the last page."""
        wanted = equal_to(source=source, reason=reason)
        if cursor is not None:
            at, key = parse_cursor(cursor, 1)
            wanted.append(('("at", "key") < (?, ?)', [at, *key]))

        def read() -> Response:
            rows = select(centre.cursor, _PAGE, wanted, [limit + 1])
            page = rows[:limit]
            last = page[-1] if len(rows) > limit else None
            after = last and cursor_after(last["at"], last["key"])
            return Json({"dead_letters": [dead_letter_shape(row) for row in page], "next": after})

        return await threads.run(read)

    @router.get("/{key}", response_model=DeadLetterShape)
    async def dead_letter(key: str) -> Response:
        """One record with all the bytes that were kept."""
        rows = await threads.run(lambda: select(centre.cursor, _ONE, equal_to(key=key)))
        if not rows:
            raise Problem(404, f"There is no dead letter {key[:80]!r}.")
        return Json(dead_letter_shape(rows[0]))

    return router


def dead_letter_shape(row: dict[str, Any]) -> DeadLetterShape:
    content = bytes(row["content"])
    return {
        "key": row["key"],
        "source": row["source"],
        "topic": row["topic"],
        "partition": row["partition"],
        "offset": row["offset"],
        "index": row["index"],
        "field": row["field"],
        "reason": row["reason"],
        "message": row["message"],
        "at": stored_time(row["at"]),
        "records": row["records"],
        "replayed_at": stored_time(row["replayed_at"]) if row["replayed_at"] else None,
        "replayed_by": row["replayed_by"],
        "content_base64": b64encode(content).decode(),
        "content_text": _text(content, whole=len(content) == row["size"]),
        "content_size_bytes": row["cut_from"] or row["size"],
    }


def _text(content: bytes, *, whole: bool) -> str | None:
    """None when it is not UTF-8; a character cut in two at the end of an excerpt is left out."""
    for end in range(len(content), len(content) - (1 if whole else 4), -1):
        try:
            return content[:end].decode()
        except UnicodeDecodeError:
            continue
    return "" if not content else None
