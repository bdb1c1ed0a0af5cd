"""GET /api/v1/dead-letters: unfit records with reason and bytes, a page at a time."""

from base64 import b64encode
from collections.abc import Collection, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from typing_extensions import TypedDict

from ioc.api.auth.read_audit import note_read
from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.paging import cursor_after, parse_cursor
from ioc.api.http.problems import Problem
from ioc.api.http.rows import equal_to, select, stored_time
from ioc.api.http.threads import WorkerThreads
from ioc.messages import Message
from ioc.model.masking import mask_record, mask_text

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


Why = Annotated[
    str | None,
    Query(min_length=5, max_length=200, description="what the records are opened for; kept in the audit trail"),
]


class DeadLetterShape(TypedDict):
    """`content_base64` are the record's first bytes (all of them when one letter is asked for); `content_text` is the
    same where it is UTF-8; `content_size_bytes` is the record's size as it was received. `masked`: something in it is
    hidden; asked for with a reason (`why`) it is shown. With `records` above 1 it stands for that many with the same
    fault, one a line. `replayed_at` and `replayed_by` are null unless the record was read again; it then counts as a
    new one."""

    key: str
    source: str
    topic: str
    partition: int
    offset: int
    index: int
    field: str
    reason: str
    message: str
    masked: bool
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


def routes(centre: ApiContext, threads: WorkerThreads) -> APIRouter:
    router = APIRouter(prefix="/api/v1/dead-letters", tags=["sources"])

    @router.get("", response_model=DeadLetterPage)
    async def dead_letters(
        request: Request,
        source: str | None = None,
        reason: str | None = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        cursor: Annotated[str | None, Query(description="`next` of the page before")] = None,
        why: Why = None,
    ) -> Response:
        """Newest first. `next` is null on the last page. What may name a person is masked unless `why` says what the
        records are opened for; each read is in the audit trail."""
        wanted = equal_to(source=source, reason=reason)
        if cursor is not None:
            at, key = parse_cursor(cursor, 1)
            wanted.append(('("at", "key") < (?, ?)', [at, *key]))

        def read() -> Response:
            rows = select(centre.cursor, _PAGE, wanted, [limit + 1])
            page = rows[:limit]
            filters = {"source": source, "reason": reason, "rows": len(page)}
            note(request, "all", filters, why)
            last = page[-1] if len(rows) > limit else None
            after = last and cursor_after(last["at"], last["key"])
            return JsonResponse({"dead_letters": [shown(row, why) for row in page], "next": after})

        return await threads.run(read)

    @router.get("/{key}", response_model=DeadLetterShape)
    async def dead_letter(request: Request, key: str, why: Why = None) -> Response:
        """One record with all the bytes that were kept, masked unless `why` says what it is opened for."""

        def read() -> Response:
            rows = select(centre.cursor, _ONE, equal_to(key=key))
            if not rows:
                raise Problem(404, Message("no_dead_letter", given=key[:80]))
            note(request, key, {"source": rows[0]["source"]}, why)
            return JsonResponse(shown(rows[0], why))

        return await threads.run(read)

    def shown(row: dict[str, Any], why: str | None) -> DeadLetterShape:
        return dead_letter_shape(row, centre.personal_fields(row["source"]), is_open=why is not None)

    def note(request: Request, what: str, details: Mapping[str, object], why: str | None) -> None:
        act = "dead_letter.read" if why is None else "dead_letter.open"
        note_read(centre, request, act, what, {**details, "why": why}, is_masked=why is None)

    return router


def dead_letter_shape(row: dict[str, Any], personal: Collection[str] = (), *, is_open: bool) -> DeadLetterShape:
    """As it was received where `is_open`, else with everything masked that may name a person; `personal` are the
    fields that the source declares so."""
    received = bytes(row["content"])
    content = received if is_open else mask_record(received, personal)
    message = row["message"] if is_open else mask_text(row["message"])
    if not is_open and personal and row["field"].rpartition(".")[2] in personal:
        message = "The value is personal; open the record with a reason to see it."
    return {
        "key": row["key"],
        "source": row["source"],
        "topic": row["topic"],
        "partition": row["partition"],
        "offset": row["offset"],
        "index": row["index"],
        "field": row["field"],
        "reason": row["reason"],
        "message": message,
        "masked": (content, message) != (received, row["message"]),
        "at": stored_time(row["at"]),
        "records": row["records"],
        "replayed_at": stored_time(row["replayed_at"]) if row["replayed_at"] else None,
        "replayed_by": row["replayed_by"],
        "content_base64": b64encode(content).decode(),
        "content_text": _text(content, whole=len(received) == row["size"]),
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
