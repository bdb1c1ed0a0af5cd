"""Cases and dead letters from the store's own tables, a page at a time."""

from base64 import b64decode
from datetime import timedelta
from typing import Any
from zlib import crc32

import httpx
import pytest

from tests.support.fake_centre import ADMIN, NOW, FakeParts

AS_ADMIN = {"Authorization": f"Bearer {ADMIN}"}
NAIVE_NOW = NOW.replace(tzinfo=None)


def insert(parts: FakeParts, table: str, row: dict[str, object]) -> None:
    columns = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    parts.duckdb.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", list(row.values()))


def add_case(parts: FakeParts, case_id: str, minutes_ago: int = 0, **more: object) -> None:
    row = {
        "case_type": "dossier",
        "case_id": case_id,
        "unit": "19753",
        "status": "received",
        "channel": "online",
        "service": "1.004873",
        "received_at": NAIVE_NOW - timedelta(days=3),
        "due_at": None,
        "closed_at": None,
        "updated_at": NAIVE_NOW - timedelta(minutes=minutes_ago),
        "attributes": '{"level": 4, "paid_online": true}',
        "case_key": crc32(case_id.encode()),
        **more,
    }
    row.setdefault("deadline_at", row["due_at"])
    insert(parts, "cases", row)


def add_letter(parts: FakeParts, offset: int, content: bytes = b"{}", **more: object) -> None:
    row = {
        "key": f"ioc.readings.v1:0:{offset}:5",
        "source": "demo-push",
        "topic": "ioc.readings.v1",
        "partition": 0,
        "offset": offset,
        "index": 5,
        "field": "value",
        "reason": "not_finite",
        "message": "value is not finite.",
        "content": content,
        "cut_from": None,
        "at": NAIVE_NOW + timedelta(seconds=offset),
        **more,
    }
    insert(parts, "dead_letters", row)


async def get(client: httpx.AsyncClient, path: str, **query: object) -> dict[str, Any]:
    answer = await client.get(path, params={k: str(v) for k, v in query.items()}, headers=AS_ADMIN)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_case_as_it_is_told(client: httpx.AsyncClient, parts: FakeParts) -> None:
    due = NAIVE_NOW + timedelta(hours=8, minutes=30)
    moved = {"deadline_at": due + timedelta(hours=1), "pauses": 1}
    add_case(parts, "H57-1", due_at=due, channel=None, attributes=None, **moved)  # type: ignore[arg-type]
    assert await get(client, "/api/v1/cases") == {
        "cases": [
            {
                "case_type": "dossier",
                "case_id": "H57-1",
                "unit": "19753",
                "status": "received",
                "channel": "",
                "service": "1.004873",
                "received_at": "2026-11-19T01:00:00.000Z",
                "due_at": "2026-11-22T09:30:00.000Z",
                "deadline_at": "2026-11-22T10:30:00.000Z",
                "pauses": 1,
                "closed_at": None,
                "updated_at": "2026-11-22T01:00:00.000Z",
                "attributes": {},
            }
        ],
        "next": None,
    }


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        pytest.param({}, ["open", "late", "closed"], id="all, latest change first"),
        pytest.param({"case_type": "petition"}, ["late"], id="by type"),
        pytest.param({"case_id": "open"}, ["open"], id="by id"),
        pytest.param({"unit": "19774"}, ["closed"], id="by unit"),
        pytest.param({"status": "settled"}, ["closed"], id="by status"),
        pytest.param({"channel": "counter"}, ["open"], id="by channel"),
        pytest.param({"service": "1.000001"}, ["open"], id="by service"),
        pytest.param({"open": "true"}, ["open", "late"], id="open"),
        pytest.param({"open": "false"}, ["closed"], id="closed"),
        pytest.param({"overdue": "true"}, ["late"], id="past its time and open"),
        pytest.param({"overdue": "false"}, ["open", "closed"], id="no due time, or closed, is not overdue"),
        pytest.param({"status": "' OR 1=1 --"}, [], id="a quote is only a quote"),
    ],
)
async def test_filters_of_cases(
    client: httpx.AsyncClient, parts: FakeParts, query: dict[str, str], shown: list[str]
) -> None:
    past = NAIVE_NOW - timedelta(hours=1)
    add_case(parts, "open", 1, channel="counter", service="1.000001")
    add_case(parts, "late", 2, case_type="petition", due_at=NAIVE_NOW + timedelta(days=1), deadline_at=past)
    add_case(parts, "closed", 3, unit="19774", status="settled", due_at=past, closed_at=NAIVE_NOW)
    answer = await get(client, "/api/v1/cases", **query)
    assert [row["case_id"] for row in answer["cases"]] == shown


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
async def test_pages_hold_each_case_once_also_at_one_moment(
    client: httpx.AsyncClient, parts: FakeParts, limit: int
) -> None:
    for number in range(6):
        add_case(parts, f"c{number}", minutes_ago=number // 3)
    seen: list[str] = []
    query: dict[str, object] = {"limit": limit}
    while True:
        page = await get(client, "/api/v1/cases", **query)
        seen += [row["case_id"] for row in page["cases"]]
        add_case(parts, f"new{len(seen)}", minutes_ago=-1)
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == ["c2", "c1", "c0", "c5", "c4", "c3"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param(b'{"value": "NaN"}', '{"value": "NaN"}', id="text"),
        pytest.param("Huế".encode(), "Huế", id="Vietnamese"),
        pytest.param(b"", "", id="nothing"),
        pytest.param(b"\xff\x00\x01", None, id="bytes that are no text"),
        pytest.param("Huế".encode("utf-16-be"), None, id="another encoding"),
        pytest.param("Huế".encode()[:-1], None, id="text that was received cut"),
    ],
)
async def test_content_of_a_letter(
    client: httpx.AsyncClient, parts: FakeParts, content: bytes, text: str | None
) -> None:
    add_letter(parts, 7, content)
    (letter,) = (await get(client, "/api/v1/dead-letters"))["dead_letters"]
    assert b64decode(letter["content_base64"]) == content
    assert letter["content_text"] == text
    assert letter["content_size_bytes"] == len(content)
    assert (letter["offset"], letter["index"], letter["field"]) == (7, 5, "value")
    assert letter["at"] == "2026-11-22T01:00:07.000Z"


async def test_a_list_shows_the_beginning_and_one_letter_all(client: httpx.AsyncClient, parts: FakeParts) -> None:
    content = ("a" + "ế" * 20_000).encode()
    add_letter(parts, 1, content, cut_from=5_000_000)
    (short,) = (await get(client, "/api/v1/dead-letters"))["dead_letters"]
    assert len(b64decode(short["content_base64"])) == 16 * 1024
    assert short["content_text"] == "a" + "ế" * ((16 * 1024 - 1) // 3)
    whole = await get(client, f"/api/v1/dead-letters/{short['key']}")
    assert b64decode(str(whole["content_base64"])) == content
    assert whole["content_size_bytes"] == 5_000_000


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        pytest.param({}, [3, 2, 1], id="newest first"),
        pytest.param({"source": "air"}, [2], id="by source"),
        pytest.param({"reason": "out_of_range"}, [3], id="by reason"),
        pytest.param({"source": "air", "reason": "out_of_range"}, [], id="by both"),
    ],
)
async def test_filters_of_letters(
    client: httpx.AsyncClient, parts: FakeParts, query: dict[str, str], shown: list[int]
) -> None:
    add_letter(parts, 1)
    add_letter(parts, 2, source="air")
    add_letter(parts, 3, reason="out_of_range")
    answer = await get(client, "/api/v1/dead-letters", **query)
    assert [row["offset"] for row in answer["dead_letters"]] == shown


async def test_pages_of_letters(client: httpx.AsyncClient, parts: FakeParts) -> None:
    for offset in range(5):
        add_letter(parts, offset, at=NAIVE_NOW)
    first = await get(client, "/api/v1/dead-letters", limit=3)
    second = await get(client, "/api/v1/dead-letters", limit=3, cursor=first["next"])
    rows = [*first["dead_letters"], *second["dead_letters"]]
    assert [row["offset"] for row in rows] == [4, 3, 2, 1, 0]
    assert second["next"] is None
