"""The runner: files come, change and go; one source's fault is its own."""

from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.integration.connectors.process import Sources, logged, wait_until
from tests.integration.connectors.systems import HEAD, Agency

pytestmark = pytest.mark.kafka


def test_files_take_effect_while_others_go_on(
    kafka: str, sources: Sources, tmp_path_factory: pytest.TempPathFactory
) -> None:
    agency = Agency(tmp_path_factory.mktemp("agency"), sources, "steady")
    agency.start()
    sources.configure("steady", agency.configuration())
    sources.configure("broken", HEAD + 'kind = "http_poll"\n[poll]\nurl = "nowhere"\n')
    sources.configure("unread", "kind = ")
    sources.start()
    broken = wait_until("a fault of broken", lambda: (s := sources.state("broken")).get("error") and s)
    assert (broken["condition"], broken["error"]) == (
        "failing",
        "broken.toml: poll.url is 'nowhere', not an http:// or https:// address.",
    )
    assert wait_until("a state of unread", lambda: sources.state("unread"))["error"].startswith("unread.toml: cannot")
    sources.configure("broken", HEAD + 'kind = "http_push"\n')
    wait_until("broken to be mended", lambda: sources.state("broken")["kind"] == "http_push", 10)
    (sources.data_dir / "sources" / "unread.toml").unlink()
    wait_until("unread to be gone", lambda: not sources.state("unread"), 10)
    agency.give([{"measure": "traffic.vehicles", "unit": "46", "time": "2026-11-22T08:00:00Z", "value": "1"}] * 3)
    wait_until("the other source's rows", lambda: len(logged(kafka, "steady").readings) == 3)


NEW_MEASURE = """[sector]
id = "test"
name = { vi = "Thử", en = "Test" }
[[measure]]
id = "test.new"
name = { vi = "Mới", en = "New" }
unit_of_measure = "x"
kind = "delta"
"""


def test_a_new_measure_is_known_without_a_restart(kafka: str, sources: Sources) -> None:
    """And a push of what was refused before it counts."""
    sources.configure("followed", HEAD + 'kind = "http_push"\n')
    sources.start()
    address = f"http://127.0.0.1:{sources.port}/followed"
    reading = {"measure": "test.new", "unit": "46", "time": "2026-11-22T08:00:00Z", "value": 1, "subject": "a"}

    def pushed() -> dict[str, Any]:
        with suppress(httpx.HTTPError):
            answer = httpx.post(address, json=[reading])
            return answer.json() if answer.status_code == 202 else {}
        return {}

    before = wait_until("the source to open", pushed)
    assert [row["reason"] for row in before["rejected"]] == ["unknown_measure"]
    folder = sources.data_dir / "catalog"
    folder.mkdir()
    (folder / "own.toml").write_text(NEW_MEASURE, encoding="utf-8")
    wait_until("the measure to be known", lambda: pushed()["accepted"] == 1, 15, 0.3)
    assert pushed() == {"accepted": 0, "duplicate": 1, "rejected": []}
    assert [row["measure"] for row in logged(kafka, "followed").readings] == ["test.new"]
