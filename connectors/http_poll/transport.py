"""Send one GET of an HTTP poll: redirects, status codes and limits; each fault is one sentence."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from ssl import SSLContext
from urllib.parse import urljoin

import httpx

from connectors.http_poll.request import PollSettings, origin, shown_address
from ioc.clock import Clock
from ioc.errors import SourceUnavailable
from ioc.messages import Message

MAX_REDIRECTS = 5
MAX_RETRY_AFTER_S = 24 * 3600.0
WHOLE_ANSWER_TIMEOUTS = 10
"""A slow answer may take this many times the configured timeout."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_RETRYABLE = frozenset({408, 425})


@dataclass(frozen=True)
class HttpAnswer:
    """An answer with rows. `validators` are `etag` and `modified`, empty where the source gives none."""

    content: bytes
    validators: Mapping[str, str]


@cache
def _trusted() -> SSLContext:
    """Return the TLS context, shared by all sources: making one reads all trusted certificates, 20 ms of a core."""
    return httpx.create_ssl_context()


class Transport:
    """Sends the requests of one round to one source. Use as an async context manager."""

    def __init__(self, poll: PollSettings, clock: Clock) -> None:
        self._poll = poll
        self._clock = clock
        self._shown = shown_address(poll.url)
        self._client = httpx.AsyncClient(timeout=poll.timeout_s, follow_redirects=False, verify=_trusted())

    async def __aenter__(self) -> Transport:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(self, url: str, conditions: Mapping[str, str], *, missing_is_empty: bool) -> HttpAnswer | None:
        """Return the answer, None for 304; 204 (and 404 where `missing_is_empty`) is an empty list.

        Raises SourceUnavailable with one sentence, and with the wait that status code and Retry-After ask for.
        """
        try:
            async with asyncio.timeout(self._poll.timeout_s * WHOLE_ANSWER_TIMEOUTS):
                return await self._follow(url, conditions, missing_is_empty=missing_is_empty)
        except (httpx.TimeoutException, TimeoutError):
            raise SourceUnavailable(Message("poll_slow", address=self._shown, seconds=self._poll.timeout_s)) from None
        except httpx.ConnectError as fault:
            raise SourceUnavailable(Message("poll_unreachable", address=self._shown, reason=str(fault))) from None
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise SourceUnavailable(Message("poll_broken_off", address=self._shown, reason=str(fault))) from None

    async def _follow(self, url: str, conditions: Mapping[str, str], *, missing_is_empty: bool) -> HttpAnswer | None:
        headers = {**self._poll.headers, **conditions}
        visited: list[str] = []
        while url not in visited and len(visited) <= MAX_REDIRECTS:
            visited.append(url)
            async with self._client.stream("GET", url, headers=headers) as answer:
                if answer.status_code not in _REDIRECTS:
                    return await self._answer(answer, missing_is_empty=missing_is_empty, redirected=visited[1:])
                location = answer.headers.get("location", "")
            try:
                target = redirect_target(url, location)
            except ValueError as fault:
                raise self._unavailable(Message.of(fault.args[0]), self._poll.every_s) from None
            if origin(target) != origin(self._poll.url):
                # Credentials for one server are never sent to another.
                headers = {}
                self._client.cookies.clear()
            url = target
        raise SourceUnavailable(Message("poll_circle", address=self._shown))

    async def _answer(
        self, answer: httpx.Response, *, missing_is_empty: bool, redirected: list[str]
    ) -> HttpAnswer | None:
        if answer.status_code == 304:
            return None
        if answer.status_code == 204 or (answer.status_code == 404 and missing_is_empty):
            return HttpAnswer(b"[]", {})
        if answer.status_code != 200:
            raise self._refused(answer, redirected)
        content = bytearray()
        async for piece in answer.aiter_bytes():
            content += piece
            if len(content) > self._poll.body_bytes:
                limit_mb = self._poll.body_bytes >> 20
                raise SourceUnavailable(Message("poll_large", address=self._shown, limit=limit_mb))
        etag, modified = answer.headers.get("etag", ""), answer.headers.get("last-modified", "")
        return HttpAnswer(bytes(content), {"etag": etag, "modified": modified})

    def _refused(self, answer: httpx.Response, redirected: list[str]) -> SourceUnavailable:
        status, every_s = answer.status_code, self._poll.every_s
        asks_wait_s = retry_after_s(answer.headers.get("retry-after", ""), self._clock.now())
        phrase = f"{status} {answer.reason_phrase}".rstrip()
        failure = Message("poll_answered", answer=phrase)
        if asks_wait_s:
            failure = Message("poll_answered_wait", answer=phrase, seconds=f"{asks_wait_s:.0f}")
        if status == 429:
            return self._unavailable(Message("poll_too_often", failure=failure), max(asks_wait_s, every_s))
        if status in (401, 403):
            return self._unavailable(
                Message("poll_refused", failure=failure, advice=self._credential_advice(redirected)),
                max(asks_wait_s, every_s),
            )
        if status < 500 and status not in _RETRYABLE:
            return self._unavailable(Message("poll_check_url", failure=failure), max(asks_wait_s, every_s))
        return self._unavailable(failure, asks_wait_s)

    def _credential_advice(self, redirected: list[str]) -> Message:
        if redirected and origin(redirected[-1]) != origin(self._poll.url):
            return Message("poll_redirects", address=shown_address(redirected[-1]))
        if not self._poll.headers:
            return Message("poll_needs_credential")
        return Message("poll_wrong_credential")

    def _unavailable(self, failure: Message, retry_in_s: float) -> SourceUnavailable:
        return SourceUnavailable(
            Message("poll_unavailable", address=self._shown, failure=failure), retry_in_s=retry_in_s
        )


def redirect_target(url: str, location: str) -> str:
    """Return the address that a redirect of `url` leads to. Raises ValueError saying why it is not followed."""
    target = urljoin(url, location)
    scheme, host, _ = origin(target)
    if scheme not in ("http", "https") or not host:
        raise ValueError(Message("poll_redirect_not_web"))
    if origin(url)[0] == "https" and scheme == "http":
        raise ValueError(Message("poll_redirect_unencrypted", address=shown_address(target)))
    return target


def retry_after_s(header: str, now: datetime) -> float:
    """Return the seconds to wait by a Retry-After header (seconds or an HTTP date): at most a day, 0 for none."""
    header = header.strip()
    if header.isdecimal() and header.isascii():
        return min(float(header), MAX_RETRY_AFTER_S)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - now).total_seconds()), MAX_RETRY_AFTER_S)
