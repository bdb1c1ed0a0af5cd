"""Addresses of an HTTP poll: the query of the configured address stays, whatever is added."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.configuration import source_table
from connectors.http_poll.request import address, origin, read_poll, shown_address
from connectors.http_poll.transport import redirect_target, retry_after_s

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
URL = "https://a.example.vn/rows?district=474&district=475&q=a%20b"
KEPT = "https://a.example.vn/rows?district=474&district=475&q=a%20b"


def first(**settings: object) -> str:
    return address(read_poll(source_table({"url": URL, **settings}, "t.toml")).first(None, None, NOW))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param({}, KEPT, id="nothing added"),
        pytest.param(
            {"since": {"field": "at", "start": "1h"}}, f"{KEPT}&since=2026-12-01T07%3A00%3A00.000Z", id="since"
        ),
        pytest.param(
            {"paging": {"kind": "page", "size_parameter": "size", "size": 50}}, f"{KEPT}&size=50&page=1", id="paging"
        ),
        pytest.param({"parameters": {"key": "ộ"}}, f"{KEPT}&key=%E1%BB%99", id="parameters"),
        pytest.param(
            {"parameters": {"q": "c"}}, "https://a.example.vn/rows?district=474&district=475&q=c", id="the same name"
        ),
        pytest.param({"headers": {"X-API-Key": "s"}}, KEPT, id="headers"),
    ],
)
def test_query_is_merged(settings: Any, expected: Any) -> None:
    assert first(**settings) == expected


@pytest.mark.parametrize(
    ("paging", "body", "rows", "following"),
    [
        pytest.param({"kind": "page", "size": 100}, [], 50, {"page": "2"}, id="a short page is not the last"),
        pytest.param({"kind": "page", "size": 100, "short_page_ends": True}, [], 50, None, id="unless configured"),
        pytest.param({"kind": "page", "size": 100, "short_page_ends": True}, [], 100, {"page": "2"}, id="a full page"),
        pytest.param({"kind": "page"}, [], 0, None, id="an empty page is the last"),
        pytest.param({"kind": "offset", "size": 100}, [], 50, {"offset": "50"}, id="offset goes on by what came"),
        pytest.param({"kind": "cursor"}, {"next_cursor": "b"}, 9, {"cursor": "b"}, id="cursor"),
        pytest.param({"kind": "cursor"}, {"next_cursor": None}, 9, None, id="no cursor"),
        pytest.param({"kind": "none"}, [], 9, None, id="no paging"),
    ],
)
def test_following_page(paging: Any, body: Any, rows: Any, following: Any) -> None:
    poll = read_poll(source_table({"url": URL, "paging": paging}, "t.toml"))
    place = poll.following(poll.first(None, None, NOW), body, rows)
    assert (place and place["query"]) == following


def test_a_link_to_the_next_page_is_whole() -> None:
    poll = read_poll(source_table({"url": URL, "paging": {"kind": "next_link"}}, "t.toml"))
    place = poll.following(poll.first(None, None, NOW), {"next": "?page=2&x=1"}, 0)
    assert place is not None
    assert address(place) == "https://a.example.vn/rows?page=2&x=1"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param("120", 120, id="seconds"),
        pytest.param("Tue, 01 Dec 2026 08:02:00 GMT", 120, id="an HTTP date"),
        pytest.param("Tue, 01 Dec 2026 07:00:00 GMT", 0, id="a date that is over"),
        pytest.param("99999999", 86400, id="at most a day"),
        pytest.param("", 0, id="none"),
        pytest.param("soon", 0, id="neither"),
        pytest.param("-5", 0, id="negative"),
    ],
)
def test_retry_after(header: Any, seconds: Any) -> None:
    assert retry_after_s(header, NOW) == seconds


def test_secrets_of_an_address_are_not_shown() -> None:
    assert shown_address("https://user:pw@a.vn:8443/rows?key=secret#x") == "https://a.vn:8443/rows"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.vn/x", "https://a.vn:443/y", True),
        ("https://a.vn", "http://a.vn", False),
        ("http://a.vn:81", "http://a.vn:82", False),
        ("http://a.vn", "http://b.a.vn", False),
        ("http://a.vn@b.vn/", "http://a.vn/", False),
    ],
)
def test_origin(one: Any, other: Any, same: Any) -> None:
    assert (origin(one) == origin(other)) is same


@pytest.mark.parametrize(
    ("url", "location", "target"),
    [
        ("https://a.vn/x/y", "z?p=1", "https://a.vn/x/z?p=1"),
        ("http://a.vn/x", "https://a.vn/x", "https://a.vn/x"),
        ("http://a.vn/x", "//b.vn/x", "http://b.vn/x"),
        ("https://a.vn/x", "http://a.vn/x", "without encryption"),
        ("https://a.vn/x", "HTTP://b.vn/x", "without encryption"),
        ("http://a.vn/x", "file:///etc/passwd", "not a web address"),
        ("http://a.vn/x", "http://[", "Invalid IPv6 URL"),
    ],
)
def test_redirect(url: Any, location: Any, target: Any) -> None:
    if target.startswith("http"):
        assert redirect_target(url, location) == target
    else:
        with pytest.raises(ValueError, match=target):
            redirect_target(url, location)
