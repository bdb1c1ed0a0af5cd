"""The push route: what it accepts, what it refuses, what it answers."""

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest

from ioc.api.http.body_reader import MAX_ALL_BODIES_BYTES, MAX_PUSH_BYTES, BodyReader
from ioc.errors import BatchMalformed, ConfigurationInvalid, IocError, SpoolFull
from ioc.messages import Message
from ioc.model.rejection import Rejection
from tests.support.fake_centre import PUSH_SOURCE, PUSH_TOKEN, FakeParts

PATH = f"/api/v1/ingest/{PUSH_SOURCE}"
TOKEN = {"Authorization": f"Bearer {PUSH_TOKEN}"}
JSON = {**TOKEN, "Content-Type": "application/json"}
MB = 1 << 20


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/x-ndjson",
        "text/csv; charset=utf-8",
        "TEXT/CSV",
    ],
)
async def test_a_push_is_passed_on_as_it_is(client: httpx.AsyncClient, parts: FakeParts, content_type: str) -> None:
    parts.push.rejected = [Rejection(5, "value", "not_finite", "value is NaN.", b"raw")]
    headers = {**TOKEN, "Content-Type": content_type, "Idempotency-Key": "k1"}
    answer = await client.post(PATH, content=b"body \xe1\xba\xbf", headers=headers)
    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": 2,
        "duplicate": 0,
        "rejected_count": 1,
        "rejected": [{"index": 5, "field": "value", "reason": "not_finite", "message": "value is NaN."}],
    }
    assert parts.push.pushed == [(PUSH_SOURCE, b"body \xe1\xba\xbf", content_type, "k1")]


async def test_without_a_content_type_it_is_json(client: httpx.AsyncClient, parts: FakeParts) -> None:
    assert (await client.post(PATH, content=b"[]", headers=TOKEN)).status_code == 202
    assert parts.push.pushed == [(PUSH_SOURCE, b"[]", "application/json", "")]


async def test_gzip_is_unpacked(client: httpx.AsyncClient, parts: FakeParts) -> None:
    content = b'{"measure": "air.pm25"}\n' * 200_000
    answer = await client.post(PATH, content=gzip.compress(content), headers={**JSON, "Content-Encoding": "gzip"})
    assert answer.status_code == 202
    assert parts.push.pushed[0][1] == content


@pytest.mark.parametrize(
    ("content", "more", "status"),
    [
        pytest.param(b"", {}, 400, id="empty"),
        pytest.param(b" \r\n\t", {}, 400, id="nothing but blanks"),
        pytest.param(b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 415, id="what curl sends unasked"),
        pytest.param(b"x", {"Content-Type": "application/vnd.apache.arrow.stream"}, 415, id="Arrow is for Kafka"),
        pytest.param(b"x", {"Content-Encoding": "br"}, 415, id="another encoding"),
        pytest.param(b"not gzip", {"Content-Encoding": "gzip"}, 400, id="gzip in name only"),
        pytest.param(gzip.compress(b"[1]")[:-6], {"Content-Encoding": "gzip"}, 400, id="gzip cut short"),
        pytest.param(
            gzip.compress(b"[1]") + b"tail", {"Content-Encoding": "gzip"}, 400, id="something behind the gzip"
        ),
        pytest.param(b"[]", {"Idempotency-Key": "k" * 201}, 400, id="a key without end"),
        pytest.param(b"x" * (50 * MB + 1), {}, 413, id="a byte more than 50 MB"),
        pytest.param(
            gzip.compress(b"0" * (50 * MB + 1), 1), {"Content-Encoding": "gzip"}, 413, id="gzip that unpacks to more"
        ),
    ],
)
async def test_refused(
    client: httpx.AsyncClient, parts: FakeParts, content: bytes, more: dict[str, str], status: int
) -> None:
    answer = await client.post(PATH, content=content, headers={**JSON, **more})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert not parts.push.pushed


async def test_just_50_mb_are_taken(client: httpx.AsyncClient, parts: FakeParts) -> None:
    assert (await client.post(PATH, content=b"1" * (50 * MB), headers=JSON)).status_code == 202
    assert len(parts.push.pushed[0][1]) == 50 * MB


async def test_a_body_without_length_is_not_read_beyond_the_bound(client: httpx.AsyncClient, parts: FakeParts) -> None:
    read_bytes = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read_bytes
        while read_bytes < 4 * MAX_PUSH_BYTES:
            read_bytes += MB
            yield b"1" * MB

    answer = await client.post(PATH, content=endless(), headers=JSON)
    assert answer.status_code == 413
    assert read_bytes <= MAX_PUSH_BYTES + 2 * MB


async def test_bodies_read_at_one_time_share_a_bound() -> None:
    intake = BodyReader()
    intake._held_bytes = MAX_ALL_BODIES_BYTES - 10

    class Body:
        def __init__(self, size: int) -> None:
            self.headers: dict[str, str] = {}
            self.size = size

        async def stream(self) -> AsyncIterator[bytes]:
            yield b"1" * self.size

    with pytest.raises(Exception, match="at once"):
        await intake.read(Body(11))  # type: ignore[arg-type]
    assert await intake.read(Body(10)) == b"1" * 10  # type: ignore[arg-type]
    assert intake._held_bytes == MAX_ALL_BODIES_BYTES - 10


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        pytest.param(BatchMalformed(Message.of("Line 3 is no JSON.")), 400, id="malformed as a whole"),
        pytest.param(SpoolFull(Message.of("The broker is away and the buffer is full.")), 503, id="no room"),
        pytest.param(
            ConfigurationInvalid(Message.of("The source has no configuration.")), 409, id="token without a source"
        ),
    ],
)
async def test_what_the_endpoint_refuses(
    client: httpx.AsyncClient, parts: FakeParts, fault: IocError, status: int
) -> None:
    parts.push.fault = fault
    answer = await client.post(PATH, content=b"[]", headers=JSON)
    assert (answer.status_code, answer.json()["detail"]) == (status, str(fault))
    assert ("retry-after" in answer.headers) == (status == 503)


@pytest.mark.parametrize(
    "name",
    ["../../admin", "..%2F..%2Fadmin", "%2e%2e%2fadmin", "demo-push%00", "DEMO-PUSH", "demo-push/", "a" * 500, "đẩy"],
)
async def test_names_that_are_no_source(client: httpx.AsyncClient, parts: FakeParts, name: str) -> None:
    answer = await client.post(f"/api/v1/ingest/{name}", content=b"[]", headers=JSON)
    assert answer.status_code in (400, 401, 404, 405, 307)
    assert not parts.push.pushed
