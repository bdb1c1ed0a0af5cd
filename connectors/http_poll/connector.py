"""Poll a REST source that answers in JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from ssl import SSLContext
from typing import Any

import httpx
import orjson

from connectors.base import Page, PollingConnector, Surroundings, malformed
from connectors.configuration import SourceConfiguration
from connectors.foreign import time_of
from connectors.http_poll.request import Poll, read_poll
from connectors.mapping import found
from ioc.errors import RecordUnfit, SourceUnavailable
from ioc.wire.kept_json import kept_json

PAGES_AT_MOST = 10_000
KNOWN_ROWS_AT_MOST = 2000
_REDIRECTS = 5


@cache
def _trusted() -> SSLContext:
    """One for all sources and rounds: it reads every certificate that is trusted, 20 ms of a core."""
    return httpx.create_ssl_context()


Rows = list[tuple[Mapping[str, Any] | RecordUnfit, bytes]]


class HttpPoll(PollingConnector):
    """A REST source: pages of JSON rows.

    Source   GET `url`, with paging, a since-parameter, ETag and Last-Modified as configured
    Emits    what the mapping makes of each row
    Resumes  from the page reached; then from the newest event time less the overlap, or the cursor

    Its position: {"newest_ms", "cursor", "known": hashes of the rows of the round before, "round": those of this
    one, "at": the next page's place or None between rounds, "etag", "modified"}.
    """

    kind = "http_poll"

    def __init__(self, configuration: SourceConfiguration, surroundings: Surroundings) -> None:
        super().__init__(configuration, surroundings)
        self._poll: Poll = read_poll(configuration.own)
        self.every_s = self._poll.every_s

    async def fetch(self, position: Any) -> AsyncIterator[Page]:
        place = dict(position or {})
        now = self.surroundings.clock.now()
        if not place.get("at"):
            place["at"] = self._poll.first(place.get("newest_ms"), place.get("cursor"), now)
            place["round"], place["highest_ms"] = [], place.get("newest_ms")
        async with httpx.AsyncClient(
            timeout=self._poll.timeout_s,
            follow_redirects=True,
            max_redirects=_REDIRECTS,
            headers=self._poll.headers,
            verify=_trusted(),
        ) as client:
            for _ in range(PAGES_AT_MOST):
                answer = await self._answer(client, place)
                if answer is None:
                    return
                content, validators = answer
                body = self.parse(content)
                page, place = self._page(body, place, validators)
                yield page
                if place["at"] is None:
                    return
        raise SourceUnavailable(f"{self._poll.url} gives more than {PAGES_AT_MOST} pages.")

    def parse(self, content: bytes) -> Any:
        """Raises SourceUnavailable when it is no JSON."""
        if not content.strip():
            raise SourceUnavailable(f"{self._poll.url} answered with an empty body.")
        if content.lstrip()[:1] == b"<":
            raise SourceUnavailable(f"{self._poll.url} answered with HTML or XML instead of JSON.")
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError as fault:
            raise SourceUnavailable(f"{self._poll.url} answered with broken JSON: {fault}.") from fault

    async def _answer(self, client: httpx.AsyncClient, place: Mapping[str, Any]) -> tuple[bytes, dict[str, str]] | None:
        """Body and validators, None for 304. Raises SourceUnavailable with one sentence."""
        url = self._poll.url
        conditions = {"If-None-Match": place.get("etag"), "If-Modified-Since": place.get("modified")}
        headers = {name: value for name, value in conditions.items() if value and not place["round"]}
        query = place["at"]["query"] or None
        try:
            async with client.stream("GET", place["at"]["url"], params=query, headers=headers) as answer:
                if answer.status_code == 304:
                    return None
                if answer.status_code != 200:
                    raise SourceUnavailable(f"{url} answered {answer.status_code} {answer.reason_phrase}.")
                content = bytearray()
                async for piece in answer.aiter_bytes():
                    content += piece
                    if len(content) > self._poll.body_bytes:
                        raise SourceUnavailable(f"{url} answered with more than {self._poll.body_bytes >> 20} MB.")
                validators = {
                    "etag": answer.headers.get("etag", ""),
                    "modified": answer.headers.get("last-modified", ""),
                }
                return bytes(content), validators
        except httpx.TooManyRedirects:
            raise SourceUnavailable(f"{url} redirects in a circle.") from None
        except httpx.TimeoutException:
            raise SourceUnavailable(f"{url} did not answer within {self._poll.timeout_s:g} s.") from None
        except httpx.ConnectError as fault:
            raise SourceUnavailable(f"{url} cannot be reached: {fault}.") from None
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise SourceUnavailable(f"{url} broke off its answer: {fault}.") from None

    def _page(self, body: Any, place: Mapping[str, Any], validators: Mapping[str, str]) -> tuple[Page, dict[str, Any]]:
        items = found(body, self._poll.items) if self._poll.items and isinstance(body, dict) else body
        if not isinstance(items, list):
            where = f"at {self._poll.items!r} " if self._poll.items else ""
            raise SourceUnavailable(f"{self._poll.url} answered JSON without a list {where}of rows.")
        known = Counter(place.get("known", []))
        rows: Rows = []
        hashes = []
        for item in items:
            content = kept_json(item)
            mark = blake2b(content, digest_size=6).hexdigest()
            hashes.append(mark)
            if known[mark]:
                known[mark] -= 1
            else:
                rows.append((item if isinstance(item, dict) else malformed("The row is no JSON object."), content))
        following = self._poll.following(place["at"], body, len(items))
        highest_ms = self._highest_ms(items, place.get("highest_ms"))
        after: dict[str, Any] = {**place, "highest_ms": highest_ms, "at": following}
        after["known"] = list(known.elements())
        after["round"] = [*place["round"], *hashes][-KNOWN_ROWS_AT_MOST:]
        if following is None:
            cursor = place["at"]["query"].get(self._poll.page_parameter) if self._poll.paging == "cursor" else None
            after = {"newest_ms": highest_ms, "cursor": cursor, "known": after["round"], "at": None, "round": []}
            # Validators speak of one page; of several, only the first could be asked with them, and the rest be missed.
            after |= validators if not place["round"] else {}
        return Page(rows, position=after, duplicate=len(items) - len(rows)), after

    def _highest_ms(self, items: Sequence[Any], so_far: int | None) -> int | None:
        if self._poll.since is None:
            return None
        highest = so_far
        now_ms = round(self.surroundings.clock.now().timestamp() * 1000)
        for item in items:
            given = found(item, self._poll.since.field) if isinstance(item, dict) else None
            if given is None:
                continue
            try:
                moment = time_of(given, self._poll.since.formats, self.surroundings.zone, self._poll.since.field)
            except RecordUnfit:
                continue
            # A row from the future must not make the source skip what comes until then.
            highest = max(highest or 0, min(moment, now_ms))
        return highest
