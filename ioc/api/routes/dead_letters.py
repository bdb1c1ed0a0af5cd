"""GET /api/v1/dead-letters: refused records with reason and content, in pages."""

from base64 import b64encode
from collections.abc import Collection, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from ioc.api.auth.read_audit import note_read
from ioc.api.context import ApiContext, Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.paging import cursor_after, parse_cursor
from ioc.api.http.problems import Problem
from ioc.api.http.rows import equal_to, optional_stored_time, select, stored_time
from ioc.messages import Message
from ioc.model.masking import mask_record, mask_text

router = APIRouter(prefix="/api/v1/dead-letters", tags=["sources"])

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
_WHY: Any = Field(
    None, min_length=5, max_length=200, description="why the records are opened unmasked; kept in the audit trail"
)


class DeadLetterShape(TypedDict):
    """A refused record.

    `content_base64` has the first bytes of the record (a single letter: all bytes that were kept); `content_text` is
    the same text where it is UTF-8. `content_size_bytes` is the size as received. `masked`: parts that may name a
    person are hidden; with a reason (`why`) they are shown. `records` above 1: so many records with the same fault,
    one per line. `replayed_at` and `replayed_by` are null unless the record was read again; it then counts as a new
    record.
    """

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


class DeadLetterListShape(TypedDict):
    """A page of refused records; `next` is null on the last page."""

    dead_letters: list[DeadLetterShape]
    next: str | None


class DeadLetterQuery(BaseModel):
    """Which refused records to return, and which page of them."""

    source: str | None = None
    reason: str | None = None
    limit: int = Field(50, ge=1, le=500)
    cursor: str | None = Field(None, description="`next` of the previous page")
    why: str | None = _WHY


@router.get("", response_model=DeadLetterListShape)
async def list_dead_letters(context: Context, request: Request, query: Annotated[DeadLetterQuery, Query()]) -> Response:
    """Return refused records, the newest first.

    What may name a person is masked unless `why` gives a reason to open them. The read is recorded in the audit
    trail.
    """
    wanted = equal_to(source=query.source, reason=query.reason)
    if query.cursor is not None:
        at, key = parse_cursor(query.cursor, 1)
        wanted.append(('("at", "key") < (?, ?)', [at, *key]))

    def read() -> Response:
        rows = select(context.cursor, _PAGE, wanted, [query.limit + 1])
        page = rows[: query.limit]
        filters = {"source": query.source, "reason": query.reason, "rows": len(page)}
        _note(context, request, "all", filters, query.why)
        last = page[-1] if len(rows) > query.limit else None
        after = last and cursor_after(last["at"], last["key"])
        return JsonResponse({"dead_letters": [_shown(context, row, query.why) for row in page], "next": after})

    return await context.threads.run(read)


@router.get("/{key}", response_model=DeadLetterShape)
async def get_dead_letter(
    context: Context,
    request: Request,
    key: str,
    why: Annotated[str | None, Query(min_length=5, max_length=200, description=_WHY.description)] = None,
) -> Response:
    """Return a refused record with all bytes that were kept, masked unless `why` gives a reason to open it."""

    def read() -> Response:
        rows = select(context.cursor, _ONE, equal_to(key=key))
        if not rows:
            raise Problem(404, Message("no_dead_letter", given=key[:80]))
        _note(context, request, key, {"source": rows[0]["source"]}, why)
        return JsonResponse(_shown(context, rows[0], why))

    return await context.threads.run(read)


def dead_letter_shape(row: dict[str, Any], personal: Collection[str] = (), *, is_open: bool) -> DeadLetterShape:
    """Return the JSON of a row of `dead_letters`: as received if `is_open`, otherwise masked.

    Everything that may name a person is masked; `personal` are the fields that the source declares personal.
    """
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
        "replayed_at": optional_stored_time(row["replayed_at"]),
        "replayed_by": row["replayed_by"],
        "content_base64": b64encode(content).decode(),
        "content_text": _text(content, whole=len(received) == row["size"]),
        "content_size_bytes": row["cut_from"] or row["size"],
    }


def _shown(context: ApiContext, row: dict[str, Any], why: str | None) -> DeadLetterShape:
    return dead_letter_shape(row, context.personal_fields(row["source"]), is_open=why is not None)


def _note(context: ApiContext, request: Request, what: str, details: Mapping[str, object], why: str | None) -> None:
    act = "dead_letter.read" if why is None else "dead_letter.open"
    note_read(context, request, act, what, {**details, "why": why}, is_masked=why is None)


def _text(content: bytes, *, whole: bool) -> str | None:
    """Return the text, or None if it is not UTF-8. A character that is cut at the end of an excerpt is left out."""
    for end in range(len(content), len(content) - (1 if whole else 4), -1):
        try:
            return content[:end].decode()
        except UnicodeDecodeError:
            continue
    return "" if not content else None
