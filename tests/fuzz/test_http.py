"""HTTP pushes with hostile bodies and headers: each record is counted or refused with a reason, no answer is 5xx."""

from __future__ import annotations

import gzip
import json
import random
import resource
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, cast

import httpx
import orjson
import pytest

from connectors.base import ConnectorContext, build_intake
from connectors.batching import SCHEMAS, Intake, IntakeResult, PendingIntake, build_messages
from connectors.configuration import read_source
from connectors.http_poll import HttpPoll
from connectors.http_poll.transport import HttpAnswer, Transport
from connectors.http_push.connector import HttpPushEndpoint
from connectors.writer import SourceWriter
from ioc import topics
from ioc.api import create_app
from ioc.clock import FixedClock, rfc3339, to_ms
from ioc.errors import SourceUnavailable
from ioc.model.rejection import Reason, Rejection
from ioc.model.vocabulary import Vocabulary
from ioc.settings import VIETNAM
from ioc.wire import arrow
from streams.validate_cases import check as check_cases
from tests.fuzz.counts import POLL_ANSWERS, PUSHES
from tests.support.catalogs import hue
from tests.support.checked_answers import CheckedTransport
from tests.support.fake_centre import NOW, PUSH_SOURCE, PUSH_TOKEN, FakeParts, FakePush
from tests.support.mutations import mutated

MB = 1 << 20
TIME = rfc3339(NOW)
READING = {"measure": "air.pm25", "unit": "19753", "time": TIME, "value": 31.5, "subject": "AQ-01"}
CASE = {
    "case_type": "dossier", "case_id": "H57-1", "unit": "19753", "status": "received", "service": "1.004873",
    "channel": "online", "received_at": TIME, "due_at": TIME, "updated_at": TIME,
    "attributes": {"fee": 50_000, "paid_online": True, "level": "full"},
}  # fmt: skip
LINES = b"\n".join(json.dumps(record).encode() for record in (READING, CASE, READING))
CSV = f"measure,unit,time,value,subject\nair.pm25,19753,{TIME},31.5,AQ-01\nair.pm10,19753,{TIME},40,\n".encode()
CASES_CSV = (
    "case_type,case_id,unit,status,received_at,updated_at,fee\n" + f"dossier,H57-1,19753,received,{TIME},{TIME},50000\n"
).encode()
UNSOUND = json.dumps([READING, CASE, READING, CASE]).replace("31.5", "NaN", 1).replace("50000", '"50.000"', 1).encode()
SEEDS = {
    "application/json": [json.dumps([READING, CASE]).encode(), json.dumps(READING).encode(), LINES, UNSOUND],
    "application/x-ndjson": [LINES],
    "text/csv": [CSV, CASES_CSV],
}
HEADERS: Sequence[dict[str, str]] = (
    {}, {}, {}, {}, {}, {},
    {"Content-Type": "application/json; charset=utf-16"}, {"Content-Type": "text/plain"}, {"Content-Type": ";;=,"},
    {"Content-Type": "application/vnd.apache.arrow.stream"}, {"Content-Encoding": "gzip"}, {"Content-Encoding": "br"},
    {"Content-Encoding": "gzip, gzip"}, {"Idempotency-Key": "k" * 200}, {"Idempotency-Key": "k" * 201},
    {"Idempotency-Key": "\u00e9\u0007"}, {"Idempotency-Key": "same"}, {"Content-Length": "999999999999"},
)  # fmt: skip


class Sealing:
    """Stands where a source's writer stands: seals what it is handed as the writer does, and reads it back."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.counted = 0
        self.reasons: set[str] = set()
        self._answers: dict[str, Any] = {}

    def answer_of(self, key: str) -> Any:
        return self._answers.get(key)

    def submit(
        self, intake: Intake, request: str, answer: Callable[[int, int, Sequence[Rejection]], Any]
    ) -> IntakeResult:
        accepted = sum(batch.num_rows for topic in SCHEMAS if (batch := intake.batch(topic)) is not None)
        safe: Future[None] = Future()
        safe.set_result(None)
        given = answer(accepted, 0, ())
        self._answers[request] = given
        for message in build_messages([PendingIntake(intake, {}, safe)], None):
            rows, rejections = arrow.decode(message.value, SCHEMAS[message.topic])
            assert rows.num_rows + len(rejections) == message.received
            if message.topic == topics.CASES:
                assert not check_cases(rows, self.vocabulary, to_ms(NOW)).rejections, "the workers see it otherwise"
            self.counted += message.received
            self.reasons |= {str(rejection.reason) for rejection in rejections}
        return IntakeResult(accepted, 0, safe, given)


@pytest.mark.parametrize("count", [PUSHES[0], pytest.param(PUSHES[1], marks=pytest.mark.soak)])
async def test_pushes(tmp_path: Path, count: int) -> None:
    parts, rng = FakeParts(tmp_path), random.Random(count)
    vocabulary = parts.catalog.vocabulary
    writer = Sealing(vocabulary)
    endpoint = HttpPushEndpoint(lambda _: cast(SourceWriter, writer), lambda: vocabulary, parts.clock)
    parts.push = cast(FakePush, endpoint)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    statuses: set[int] = set()
    transport = CheckedTransport(create_app(parts.centre()))
    async with httpx.AsyncClient(transport=transport, base_url="http://centre") as client:
        for number in range(count):
            content_type = rng.choice(list(SEEDS))
            content = mutated(SEEDS[content_type], rng)
            more = rng.choice(HEADERS)
            if more.get("Content-Encoding") == "gzip" and rng.random() < 0.7:
                packed = gzip.compress(content, 1)
                content = packed if rng.random() < 0.5 else mutated([packed], rng)
            headers = {"Authorization": f"Bearer {PUSH_TOKEN}", "Content-Type": content_type, **more}
            encoded = {name: value.encode("latin-1") for name, value in headers.items()}
            counted = writer.counted
            answer = await client.post(f"/api/v1/ingest/{PUSH_SOURCE}", content=content, headers=encoded)  # type: ignore[arg-type]
            statuses.add(answer.status_code)
            told = answer.json()
            place = f"input {number}: {content[:300]!r} {more}"
            if answer.status_code == 202:
                is_repeat = "Idempotency-Key" in more and writer.counted == counted
                total = told["accepted"] + told["duplicate"] + told["rejected_count"]
                assert is_repeat or total == writer.counted - counted, place
                assert len(told["rejected"]) == told["rejected_count"], place
                assert all(row["reason"] in set(Reason) and row["message"].endswith(".") for row in told["rejected"])
                assert all(len(row["message"]) < 1000 and len(row["field"]) < 300 for row in told["rejected"]), place
            else:
                assert answer.status_code in (400, 413, 415), place
                assert told["detail"].endswith("."), place
                assert len(told["detail"]) < 1000, place
    assert statuses == {202, 400, 413, 415}
    assert {"malformed", "not_finite", "wrong_type", "unknown_field"} <= writer.reasons
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 200 * 1024


POLL = """name = { vi = "Thử", en = "Test" }
kind = "http_poll"
[poll]
url = "http://127.0.0.1/rows"
items = "data.rows"
paging = { kind = "cursor", path = "data.next" }
since = { field = "time" }
"""


@pytest.mark.parametrize("count", [POLL_ANSWERS[0], pytest.param(POLL_ANSWERS[1], marks=pytest.mark.soak)])
async def test_poll_answers(tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile answer is a fault of the source, or rows that count or are refused."""
    (tmp_path / "rest.toml").write_text(POLL, encoding="utf-8")
    context = ConnectorContext(hue().vocabulary, FixedClock(NOW), VIETNAM, tmp_path)
    configuration, rng = read_source(tmp_path / "rest.toml"), random.Random(count)
    seeds = [b'{"data": {"next": "b", "total": 4, "rows": ' + rows + b"}}" for rows in SEEDS["application/json"]]
    content = b""

    async def get(*_: object, **__: object) -> HttpAnswer:
        return HttpAnswer(content, {})

    monkeypatch.setattr(Transport, "get", get)
    connector = HttpPoll(configuration, context)
    pages, faults = 0, list[str]()
    for number in range(count):
        content = mutated(seeds, rng)
        fetching = connector.fetch(None)
        try:
            page = await anext(fetching)
        except SourceUnavailable as fault:
            faults.append(str(fault))
            continue
        finally:
            await fetching.aclose()  # type: ignore[attr-defined]
        intake = build_intake(page, connector.mapping, context)
        assert intake.records >= len(page.rows), (number, content)
        for message in build_messages([PendingIntake(intake, {}, Future())], page.position):
            rows, rejections = arrow.decode(message.value, SCHEMAS[message.topic])
            assert rows.num_rows + len(rejections) == message.received, (number, content)
            assert orjson.dumps(message.position), "it can be kept"
        pages += 1
    assert pages > count / 10
    assert len(faults) > count / 20
    assert all(fault.endswith(".") and len(fault) < 1000 for fault in faults)
