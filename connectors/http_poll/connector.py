"""Poll a REST source that answers in JSON."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from hashlib import blake2b
from typing import Any

from connectors.base import ConnectorContext, PollingConnector, RowContent, SourcePage, malformed
from connectors.configuration import SourceConfiguration
from connectors.field_paths import value_at
from connectors.http_poll.request import PollSettings, address, origin, read_poll, shown_address
from connectors.http_poll.transport import Transport
from connectors.known_keys import MAX_KEYS
from connectors.local_formats import time_of
from connectors.row_keys import RowCounter, RowIdentity
from ioc.errors import BatchMalformed, RecordUnfit, SourceUnavailable
from ioc.messages import Message
from ioc.wire.compact_json import kept_json
from ioc.wire.lenient_json import Document, Record, read_document, read_records

MAX_PAGES = 10_000
MAX_EMPTY_PAGES = 100
MAX_ROUND_ROWS = MAX_KEYS // 2
"""Rows of one round. With more, the first ones would be forgotten before the next round gives them again."""
_MAX_KNOWN_PAGES = 64
_NO_SHORT_PAGE = {"count": None, "cap": None, "short_ms": None}


class HttpPoll(PollingConnector):
    """A REST source: pages of JSON rows.

    Source   GET `url`, with paging, a since-parameter, ETag and Last-Modified as configured
    Emits    what the mapping makes of each row
    Resumes  from the page reached; a new process begins at the round's first page, whose rows it recognises; the next
             round begins at the newest event time less the overlap, or at the cursor

    Its position: {"newest_ms", "cursor", "number" of the round, "at": the next page's request or None between rounds,
    "pages": hashes of the round's last pages and their addresses, "etag", "modified"}.
    """

    kind = "http_poll"

    def __init__(self, configuration: SourceConfiguration, context: ConnectorContext) -> None:
        super().__init__(configuration, context)
        self._poll: PollSettings = read_poll(configuration.own)
        self._shown = shown_address(self._poll.url)
        self.every_s = self._poll.every_s
        self.max_wait_s = self._poll.every_s
        self._begins_again = True
        self._counter = RowCounter()

    async def fetch(self, position: Any) -> AsyncIterator[SourcePage]:
        """Yield the pages of one round."""
        position = {"pages": [], "number": 1, **(position or {})}
        if not position.get("at") or self._begins_again:
            position = self._new_round(position)
        empty = 0
        async with Transport(self._poll, self.context.clock) as transport:
            for _ in range(MAX_PAGES):
                url = address(position["at"])
                if origin(url) != origin(self._poll.url):
                    raise self._abandon(Message("poll_other_server", address=self._shown, other=shown_address(url)))
                if _digest(url) in position["pages"]:
                    raise self._endless(Message("paging_repeats_page"))
                answer = await transport.get(
                    url,
                    {} if position["pages"] else self._conditional_headers(position),
                    missing_is_empty=self._poll.paging == "page" and bool(position["pages"]),
                )
                if answer is None:
                    return
                page, position = self._page(self.parse(answer.content), position, url, answer.validators)
                yield page
                if position["at"] is None:
                    return
                empty = 0 if page.rows or page.duplicate else empty + 1
                if empty > MAX_EMPTY_PAGES:
                    raise self._endless(Message("paging_empty_pages", count=MAX_EMPTY_PAGES))
        raise SourceUnavailable(
            Message("poll_too_many_pages", address=self._shown, max=MAX_PAGES), retry_in_s=self.every_s
        )

    def parse(self, content: bytes) -> Document:
        """Parse an answer into rows. Raises SourceUnavailable when it cannot be separated into rows."""
        if not content.strip():
            raise SourceUnavailable(Message("poll_empty_body", address=self._shown))
        if content.lstrip()[:1] == b"<":
            raise SourceUnavailable(Message("poll_html", address=self._shown))
        try:
            try:
                return read_document(content, self._poll.items)
            except BatchMalformed:
                if self._poll.items:
                    raise
                return Document(None, read_records(content))
        except BatchMalformed as fault:
            raise SourceUnavailable(Message("poll_broken_json", address=self._shown, reason=fault.message)) from fault

    def _new_round(self, position: Mapping[str, Any]) -> dict[str, Any]:
        self._counter = RowCounter()
        at = self._poll.first(position.get("newest_ms"), position.get("cursor"), self.context.clock.now())
        self._begins_again = False
        # A round that was not finished begins again under its own number.
        number = position["number"] if position.get("at") else position["number"] + 1
        return {
            **position,
            "at": at,
            "number": number,
            "pages": [],
            "highest_ms": position.get("newest_ms"),
            **_NO_SHORT_PAGE,
        }

    def _endless(self, how: Message) -> SourceUnavailable:
        return self._abandon(Message("paging_endless", address=self._shown, reason=how))

    def _abandon(self, sentence: Message) -> SourceUnavailable:
        """Return the fault of a round that cannot be finished; the next one begins at the first page."""
        self._begins_again = True
        return SourceUnavailable(sentence, retry_in_s=self.every_s)

    @staticmethod
    def _conditional_headers(position: Mapping[str, Any]) -> dict[str, str]:
        conditions = {"If-None-Match": position.get("etag"), "If-Modified-Since": position.get("modified")}
        return {name: value for name, value in conditions.items() if value}

    def _page(
        self, document: Document, position: Mapping[str, Any], url: str, validators: Mapping[str, str]
    ) -> tuple[SourcePage, dict[str, Any]]:
        if document.records is None:
            where = self._poll.items
            raise SourceUnavailable(Message("poll_no_list", address=self._shown, where=where))
        hashes = [_digest(_content(record)) for record in document.records]
        whole = _digest("".join(hashes))
        if hashes and self._poll.paging != "none" and whole in position["pages"]:
            raise self._endless(Message("paging_same_rows"))
        if len(self._counter) + len(hashes) > MAX_ROUND_ROWS:
            raise self._abandon(Message("poll_many_rows", address=self._shown, max=f"{MAX_ROUND_ROWS:,}"))
        rows = [_row(record) for record in document.records]
        following = self._poll.following(position["at"], document.body, len(hashes))
        highest_ms = self._highest_ms((value for value, _ in document.records), position.get("highest_ms"))
        after: dict[str, Any] = {
            **position,
            "highest_ms": highest_ms,
            "at": following,
            **self._short_page(position, len(hashes)),
        }
        after["pages"] = [*position["pages"], _digest(url), whole][-2 * _MAX_KNOWN_PAGES :]
        if following is None:
            cursor = position["at"]["query"].get(self._poll.page_parameter) if self._poll.paging == "cursor" else None
            after = {
                "newest_ms": after.get("short_ms") or highest_ms,
                "cursor": cursor,
                "number": position["number"],
                "at": None,
            }
            # Validators hold for one page: with several, an unchanged first page would hide changes in the others.
            after |= validators if not position["pages"] else {}
        return SourcePage(rows, position=after, identity=RowIdentity(self._counter, position["number"])), after

    def _short_page(self, position: Mapping[str, Any], count: int) -> dict[str, Any]:
        """Notice a page before the last one that was not full.

        Rows may have reached the server after it and before the next page was requested, so that neither has them. Then
        the next round begins at the end of that page (`short_ms`). A server that caps its pages gives several of one
        length (`cap`).
        """
        before, cap, short_ms = position.get("count"), position.get("cap"), position.get("short_ms")
        if self._poll.paging != "page" or not count:
            return {"count": before, "cap": cap, "short_ms": short_ms}
        if before == count:
            cap = count
        elif before and short_ms is None and before != cap and not 0 < self._poll.size <= before:
            short_ms = position.get("highest_ms")
        return {"count": count, "cap": cap, "short_ms": short_ms}

    def _highest_ms(self, items: Iterable[Any], so_far: int | None) -> int | None:
        if self._poll.since is None:
            return None
        highest = so_far
        now_ms = round(self.context.clock.now().timestamp() * 1000)
        for item in items:
            value = value_at(item, self._poll.since.field) if isinstance(item, dict) else None
            if value is None:
                continue
            try:
                moment = time_of(value, self._poll.since.formats, self.context.zone, self._poll.since.field)
            except RecordUnfit:
                continue
            # A row timed in the future must not make the source skip what comes before that time.
            highest = max(highest or 0, min(moment, now_ms))
        return highest


def _row(record: Record) -> RowContent:
    value, own = record
    if not isinstance(value, dict | RecordUnfit):
        value = malformed(Message("row_not_object"))
    return value, own or _content(record)


def _content(record: Record) -> bytes:
    """Return the row in one spelling, by which it is recognised."""
    value, own = record
    if isinstance(value, RecordUnfit):
        return own
    try:
        return kept_json(value)
    except TypeError:  # a whole number beyond 64 bits, or half a character
        return json.dumps(value).encode()


def _digest(content: str | bytes) -> str:
    return blake2b(content.encode() if isinstance(content, str) else content, digest_size=6).hexdigest()
