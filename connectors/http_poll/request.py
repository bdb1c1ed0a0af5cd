"""Settings of an HTTP poll, and the address of each page. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus, urlencode, urljoin, urlsplit, urlunsplit

from connectors.field_paths import value_at
from ioc.catalog.toml_table import TomlTable
from ioc.clock import from_ms, rfc3339, to_ms
from ioc.messages import Message

PAGINGS = ("none", "next_link", "page", "offset", "cursor")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class SinceParameter:
    """The parameter that asks for rows since a time.

    `field` is the path of a row's own time. The source is asked from `overlap` before the newest one seen, and at first
    from `start` before now.
    """

    parameter: str
    field: str
    formats: tuple[str, ...]
    overlap: timedelta
    start: timedelta

    def text(self, newest_ms: int | None, now: datetime) -> str:
        """Return the parameter's value for the newest time seen; None: nothing has been seen."""
        overlap_ms = self.overlap // timedelta(milliseconds=1)
        since_ms = to_ms(now - self.start) if newest_ms is None else newest_ms - overlap_ms
        if "epoch_ms" in self.formats:
            return str(since_ms)
        if "epoch_s" in self.formats:
            return str(since_ms // 1000)
        return rfc3339(from_ms(since_ms))


@dataclass(frozen=True)
class PollSettings:
    """The table `[poll]` of a source."""

    url: str
    every_s: float
    timeout_s: float
    body_bytes: int
    items: str
    headers: Mapping[str, str]
    parameters: Mapping[str, str]
    since: SinceParameter | None
    paging: str
    page_parameter: str
    first_page: int
    next_path: str
    size_parameter: str
    size: int
    short_page_ends: bool

    def first(self, newest_ms: int | None, cursor: Any, now: datetime) -> dict[str, Any]:
        """Return the request of the first page of a round: {"url", "query"}."""
        query = dict(self.parameters)
        if self.since is not None:
            query[self.since.parameter] = self.since.text(newest_ms, now)
        if self.size_parameter:
            query[self.size_parameter] = str(self.size)
        if self.paging == "page":
            query[self.page_parameter] = str(self.first_page)
        elif self.paging == "offset":
            query[self.page_parameter] = "0"
        elif self.paging == "cursor" and cursor is not None:
            query[self.page_parameter] = str(cursor)
        return {"url": self.url, "query": query}

    def following(self, request: Mapping[str, Any], body: Any, rows: int) -> dict[str, Any] | None:
        """Return the request of the next page, None after the last.

        It may be a page that was requested before, or one on another server; the caller checks that.
        """
        query = dict(request["query"])
        if self.paging == "next_link":
            link = value_at(body, self.next_path) if isinstance(body, dict) else None
            return {"url": urljoin(request["url"], str(link)), "query": {}} if link else None
        if self.paging == "cursor":
            cursor = value_at(body, self.next_path) if isinstance(body, dict) else None
            stands_still = str(cursor) == query.get(self.page_parameter)
            if cursor in (None, "") or (stands_still and not rows):
                return None
            return {"url": request["url"], "query": {**query, self.page_parameter: str(cursor)}}
        if self.paging == "none" or not rows or (self.short_page_ends and rows < self.size):
            return None
        step = 1 if self.paging == "page" else rows
        query[self.page_parameter] = str(int(query[self.page_parameter]) + step)
        return {"url": request["url"], "query": query}


def address(request: Mapping[str, Any]) -> str:
    """Return the address of a page.

    Its query is added to that of the configured address, and replaces parameters of the same name.
    """
    parts = urlsplit(str(request["url"]))
    query = request["query"]
    kept = [pair for pair in parts.query.split("&") if pair and unquote_plus(pair.partition("=")[0]) not in query]
    return urlunsplit(parts._replace(query="&".join([*kept, *([urlencode(query)] if query else [])]), fragment=""))


def shown_address(url: str) -> str:
    """Return an address for a message: without user, password and query, which may hold secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("?")[0][:100]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port; empty for text that is not an address."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return "", "", 0


def read_poll(table: TomlTable) -> PollSettings:
    """Return the settings of a table `[poll]`. Raises ConfigurationInvalid naming file and field."""
    url = table.text("url")
    scheme, host, _ = origin(url)
    if scheme not in _PORTS or not host:
        raise table.invalid("url", Message("not_http_address", given=shown_address(url)))
    paging = table.table("paging", required=False)
    kind = paging.choice("kind", PAGINGS, "none")
    parameter = paging.text("parameter", {"page": "page", "offset": "offset", "cursor": "cursor"}.get(kind, ""))
    poll = PollSettings(
        url=url,
        every_s=_seconds(table, "every", "1m"),
        timeout_s=_seconds(table, "timeout", "10s"),
        body_bytes=int(table.number("body_mb", 20) * 1024 * 1024),
        items=table.text("items", ""),
        headers=table.texts_by_name("headers"),
        parameters=table.texts_by_name("parameters"),
        since=_since(table.table("since")) if table.has("since") else None,
        paging=kind,
        page_parameter=parameter,
        first_page=int(paging.number("first", 1)),
        next_path=paging.text("path", {"next_link": "next", "cursor": "next_cursor"}.get(kind, "")),
        size_parameter=paging.text("size_parameter", ""),
        size=int(paging.number("size", 100)),
        short_page_ends=paging.flag("short_page_ends"),
    )
    if poll.short_page_ends and not paging.has("size"):
        raise paging.invalid("size", Message("short_page_rows"))
    paging.finish()
    table.finish()
    return poll


def _seconds(table: TomlTable, field: str, default: str) -> float:
    return (table.duration(field, default) or timedelta()).total_seconds()


def _since(table: TomlTable) -> SinceParameter:
    since = SinceParameter(
        parameter=table.text("parameter", "since"),
        field=table.text("field"),
        formats=(table.choice("format", ("rfc3339", "epoch_s", "epoch_ms"), "rfc3339"),),
        overlap=table.duration("overlap", "5m") or timedelta(),
        start=table.duration("start", "1d") or timedelta(),
    )
    table.finish()
    return since
