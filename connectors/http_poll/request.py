"""What an HTTP poll asks for: its settings, and the address of each page. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus, urlencode, urljoin, urlsplit, urlunsplit

from connectors.configuration import Table
from connectors.mapping import found
from ioc.clock import from_ms, rfc3339, to_ms

PAGINGS = ("none", "next_link", "page", "offset", "cursor")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Since:
    """`field` is the path of a row's own time; the source is asked from `overlap` before the newest one seen, and
    from `start` ago at first."""

    parameter: str
    field: str
    formats: tuple[str, ...]
    overlap: timedelta
    start: timedelta

    def written(self, newest_ms: int | None, now: datetime) -> str:
        from_ms_ = (
            to_ms(now - self.start) if newest_ms is None else newest_ms - self.overlap // timedelta(milliseconds=1)
        )
        if "epoch_ms" in self.formats:
            return str(from_ms_)
        if "epoch_s" in self.formats:
            return str(from_ms_ // 1000)
        return rfc3339(from_ms(from_ms_))


@dataclass(frozen=True)
class Poll:
    """The `[poll]` table."""

    url: str
    every_s: float
    timeout_s: float
    body_bytes: int
    items: str
    headers: Mapping[str, str]
    parameters: Mapping[str, str]
    since: Since | None
    paging: str
    page_parameter: str
    first_page: int
    next_path: str
    size_parameter: str
    size: int
    short_page_ends: bool

    def first(self, newest_ms: int | None, cursor: Any, now: datetime) -> dict[str, Any]:
        """Place of the first page of a round: {"url", "query"}."""
        query = dict(self.parameters)
        if self.since is not None:
            query[self.since.parameter] = self.since.written(newest_ms, now)
        if self.size_parameter:
            query[self.size_parameter] = str(self.size)
        if self.paging == "page":
            query[self.page_parameter] = str(self.first_page)
        elif self.paging == "offset":
            query[self.page_parameter] = "0"
        elif self.paging == "cursor" and cursor is not None:
            query[self.page_parameter] = str(cursor)
        return {"url": self.url, "query": query}

    def following(self, place: Mapping[str, Any], body: Any, rows: int) -> dict[str, Any] | None:
        """Place of the next page, None behind the last. It may be one that was asked for already, or on another
        server: whoever asks for it checks that."""
        query = dict(place["query"])
        if self.paging == "next_link":
            link = found(body, self.next_path) if isinstance(body, dict) else None
            return {"url": urljoin(place["url"], str(link)), "query": {}} if link else None
        if self.paging == "cursor":
            cursor = found(body, self.next_path) if isinstance(body, dict) else None
            stands_still = str(cursor) == query.get(self.page_parameter)
            if cursor in (None, "") or (stands_still and not rows):
                return None
            return {"url": place["url"], "query": {**query, self.page_parameter: str(cursor)}}
        if self.paging == "none" or not rows or (self.short_page_ends and rows < self.size):
            return None
        step = 1 if self.paging == "page" else rows
        query[self.page_parameter] = str(int(query[self.page_parameter]) + step)
        return {"url": place["url"], "query": query}


def address(place: Mapping[str, Any]) -> str:
    """The whole address of a page: its query stands beside what the configured address asks for, in place of
    parameters of the same name."""
    parts = urlsplit(str(place["url"]))
    query = place["query"]
    kept = [pair for pair in parts.query.split("&") if pair and unquote_plus(pair.partition("=")[0]) not in query]
    return urlunsplit(parts._replace(query="&".join([*kept, *([urlencode(query)] if query else [])]), fragment=""))


def shown_address(url: str) -> str:
    """An address for a sentence: without user, password and query, which may hold secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("?")[0][:100]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port; empty for what is not an address."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return "", "", 0


def read_poll(table: Table) -> Poll:
    """Raises ConfigurationInvalid naming file and field."""
    url = table.text("url")
    scheme, host, _ = origin(url)
    if scheme not in _PORTS or not host:
        raise table.fault("url", f"is {shown_address(url)!r}, not an http:// or https:// address.")
    paging = table.table("paging")
    kind = paging.one_of("kind", PAGINGS, "none")
    parameter = paging.text("parameter", {"page": "page", "offset": "offset", "cursor": "cursor"}.get(kind, ""))
    poll = Poll(
        url=url,
        every_s=table.span("every", "1m").total_seconds(),
        timeout_s=table.span("timeout", "10s").total_seconds(),
        body_bytes=int(table.number("body_mb", 20) * 1024 * 1024),
        items=table.text("items", ""),
        headers=table.words("headers"),
        parameters=table.words("parameters"),
        since=_since(table.table("since")) if table.has("since") else None,
        paging=kind,
        page_parameter=parameter,
        first_page=int(paging.number("first", 1)),
        next_path=paging.text("path", {"next_link": "next", "cursor": "next_cursor"}.get(kind, "")),
        size_parameter=paging.text("size_parameter", ""),
        size=int(paging.number("size", 100)),
        short_page_ends=paging.flag("short_page_ends", False),
    )
    if poll.short_page_ends and not paging.has("size"):
        raise paging.fault("size", "is missing: short_page_ends needs to know how many rows a full page has.")
    paging.done()
    table.done()
    return poll


def _since(table: Table) -> Since:
    since = Since(
        parameter=table.text("parameter", "since"),
        field=table.text("field"),
        formats=(table.one_of("format", ("rfc3339", "epoch_s", "epoch_ms"), "rfc3339"),),
        overlap=table.span("overlap", "5m"),
        start=table.span("start", "1d"),
    )
    table.done()
    return since
