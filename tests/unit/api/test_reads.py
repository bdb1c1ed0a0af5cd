"""Reading single cases and refused records is audited; refused records are masked until they are opened."""

from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from ioc.api import create_app
from ioc.store.dead_letters import append_dead_letters
from ioc.store.snapshot import Snapshot
from ioc.wire.dead_letters import DeadLetter
from tests.support.checked_answers import CheckedTransport
from tests.support.fake_centre import ADMIN, FakeParts

RECORD = '{"case_id": "H57-1", "applicant_name": "Nguyễn Thị Lan", "note": "046099001234, 0912345678"}'
KEY = "ioc.cases.v1:0:7:0"


def letter(content: bytes, field: str = "status", key: str = KEY) -> DeadLetter:
    values = {
        "key": key,
        "source": "demo-push",
        "topic": "ioc.cases.v1",
        "partition": 0,
        "offset": 7,
        "index": 0,
        "field": field,
        "reason": "unknown_status",
        "message": "The status of 046099001234 is not known.",
        "content": content,
        "cut_from": None,
        "at": datetime(2026, 11, 22, 1, 0, tzinfo=UTC),
    }
    return DeadLetter(**values)  # type: ignore[arg-type]


@pytest.fixture
def client(parts: FakeParts) -> httpx.AsyncClient:
    append_dead_letters(parts.duckdb, [letter(RECORD.encode())])
    return client_of(parts)


def client_of(parts: FakeParts, personal: tuple[str, ...] = ()) -> httpx.AsyncClient:
    centre = replace(parts.centre(), personal_fields=lambda source: personal if source == "demo-push" else ())
    headers = {"Authorization": f"Bearer {ADMIN}"}
    return httpx.AsyncClient(transport=CheckedTransport(create_app(centre)), base_url="http://centre", headers=headers)


@pytest.mark.parametrize("path", ["/api/v1/dead-letters", f"/api/v1/dead-letters/{KEY}"], ids=["list", "one"])
async def test_a_refused_record_is_masked_until_it_is_opened_with_a_reason(
    client: httpx.AsyncClient, parts: FakeParts, path: str
) -> None:
    def only(answer: httpx.Response) -> dict[str, str]:
        body = answer.json()
        found: dict[str, str] = body["dead_letters"][0] if "dead_letters" in body else body
        return found

    masked = only(await client.get(path))
    for secret in ("Nguyễn", "046099001234", "0912345678"):
        assert secret not in masked["content_text"] + masked["message"]
        assert secret.encode() not in b64decode(masked["content_base64"])
    assert ("H57-1" in masked["content_text"], masked["masked"]) == (True, True)  # type: ignore[comparison-overlap]
    opened = only(await client.get(path, params={"why": "kiểm tra trạng thái với Sở Nội vụ"}))
    assert (opened["content_text"], opened["masked"]) == (RECORD, False)  # type: ignore[comparison-overlap]
    assert (await client.get(path, params={"why": "x"})).status_code == 422
    acts = [(act.who, act.act, act.details.get("why")) for act in parts.people.trail.read()]
    assert acts == [
        ("admin-token", "dead_letter.open", "kiểm tra trạng thái với Sở Nội vụ"),
        ("admin-token", "dead_letter.read", None),
    ]


async def test_what_the_source_declares_personal_is_masked_too(parts: FakeParts) -> None:
    append_dead_letters(parts.duckdb, [letter(b'{"case_id": "LAN-1985", "unit": "19753"}', "case_id")])
    found = (await client_of(parts, ("case_id",)).get("/api/v1/dead-letters")).json()["dead_letters"][0]
    assert "LAN-1985" not in found["content_text"]
    assert "19753" in found["content_text"]
    assert found["message"] == "The value is personal; open the record with a reason to see it."


async def test_reads_of_cases_and_reloads_are_in_the_trail(client: httpx.AsyncClient, parts: FakeParts) -> None:
    assert (await client.get("/api/v1/cases", params={"case_type": "dossier", "unit": "19753"})).status_code == 200
    assert (await client.post("/api/v1/catalog/reload")).status_code == 200
    reload, read = parts.people.trail.read()
    assert (read.act, read.what, dict(read.details)) == ("cases.read", "dossier", {"unit": "19753", "rows": "0"})
    assert (reload.act, reload.who) == ("catalog.reload", "admin-token")


async def test_a_snapshot_is_taken_also_while_the_lab_is_away(parts: FakeParts) -> None:
    taken = Snapshot(parts.data_dir / "s1" / "store.duckdb", parts.data_dir, parts.clock.now(), 4096, 0.25)
    context = replace(parts.centre(), take_snapshot=lambda: taken)
    async with httpx.AsyncClient(transport=CheckedTransport(create_app(context)), base_url="http://centre") as client:
        answer = await client.post("/api/v1/lab/snapshot", headers={"Authorization": f"Bearer {ADMIN}"})
    assert (answer.status_code, answer.json()["in_use"], answer.json()["taken"]["size_bytes"]) == (200, False, 4096)
