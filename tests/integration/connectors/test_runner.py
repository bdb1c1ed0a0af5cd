"""The runner: files come, change and go; one source's fault is its own."""

import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from ioc.clock import SystemClock
from ioc.server.replays import Replays
from ioc.settings import VIETNAM
from ioc.store import Store
from ioc.store.dead_letters import append_dead_letters
from ioc.wire.dead_letters import DeadLetter
from tests.integration.connectors.conformance import counted
from tests.integration.connectors.scripted_server import Reply, Request, scripted_server
from tests.integration.connectors.systems import HEAD, Agency
from tests.support.connect_process import Sources, logged, wait_until

pytestmark = pytest.mark.kafka
AT = datetime(2026, 11, 22, 8, tzinfo=UTC)


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


def test_a_poll_keeps_the_waits_that_it_is_asked_for(kafka: str, sources: Sources) -> None:
    """Three sources: one asks to wait, one wants another credential, one never ends its paging."""
    times: list[float] = []

    def busy(_: Request) -> Reply:
        times.append(time.monotonic())
        return Reply(status=429, headers={"Retry-After": "2"}) if len(times) == 1 else Reply([])

    def endless(request: Request) -> Reply:
        first = 10 * min(int(request.query["page"]), 2)
        return Reply([counted(number) for number in range(first, first + 10)])

    def toml(url: str, every: str, more: str = "") -> str:
        return f'{HEAD}kind = "http_poll"\n[poll]\nurl = "{url}"\nevery = "{every}"\n{more}'

    with (
        scripted_server(busy) as slow,
        scripted_server(lambda _: Reply(status=401)) as locked,
        scripted_server(endless) as circling,
    ):
        sources.configure("poll-busy", toml(slow.url, "200ms"))
        sources.configure("poll-locked", toml(locked.url, "1h", 'headers = { X-API-Key = "old" }\n'))
        sources.configure("poll-endless", toml(circling.url, "1s", 'paging = { kind = "page" }\n'))
        sources.start()
        wait_until("the busy source to be live", lambda: sources.state("poll-busy").get("condition") == "live")
        state = wait_until("a fault of the locked one", lambda: (s := sources.state("poll-locked")).get("error") and s)
        assert (state["condition"], len(locked.requests)) == ("unavailable", 1)
        assert "the credential in poll.headers is wrong" in state["error"]
        wait_until("several rounds", lambda: len(circling.requests) > 6)
        error = wait_until("the paging's fault", lambda: sources.state("poll-endless").get("error"))
        assert "does not end" in error
        assert len(logged(kafka, "poll-endless").readings) == 20
    assert times[1] - times[0] >= 2


def test_what_was_refused_is_read_again_once(kafka: str, sources: Sources, tmp_path: Path) -> None:
    """After the catalogue was mended; asked twice, and once more after the process was killed."""
    sources.configure("replayed", HEAD + 'kind = "http_push"\n')
    sources.start()
    address = f"http://127.0.0.1:{sources.port}/replayed"
    event = {"measure": "test.new", "unit": "46", "time": "2026-11-22T08:00:00Z", "value": 1}

    def pushed() -> bool:
        with suppress(httpx.HTTPError):
            return httpx.post(address, json=[event, event, {"measure": "test.other"}]).status_code == 202
        return False

    wait_until("the source to open", pushed)
    store = Store.open(tmp_path / "ioc.duckdb", tmp_path / "archive", zone=VIETNAM)
    kept = [
        DeadLetter(
            f"t:0:1:{r.index}", "replayed", "t", 0, 1, r.index, r.field, r.reason, r.message, r.content, None, AT
        )
        for r in logged(kafka, "replayed").rejections
    ]
    with store.cursor() as cursor:
        append_dead_letters(cursor, kept)
    replays = Replays(store, kafka, {}, SystemClock())
    outcome = replays.replay("replayed", None, "an")
    assert (outcome.replayed, len(outcome.refused)) == (0, 3)
    folder = sources.data_dir / "catalog"
    folder.mkdir()
    (folder / "own.toml").write_text(NEW_MEASURE, encoding="utf-8")
    wait_until("the replay", lambda: replays.replay("replayed", None, "an").replayed == 2, 15, 0.3)
    assert len(logged(kafka, "replayed").readings) == 2, "two events of one moment are two"
    assert replays.replay("replayed", None, "an").replayed == 0, "they are marked"
    with store.cursor() as cursor:
        marked = 'SELECT "key", replayed_by FROM dead_letters WHERE replayed_at IS NOT NULL ORDER BY "key"'
        assert cursor.execute(marked).fetchall() == [("t:0:1:0", "an"), ("t:0:1:1", "an")]
        cursor.execute("UPDATE dead_letters SET replayed_at = NULL, replayed_by = NULL")
    sources.kill()
    sources.start()
    wait_until("the source to open again", lambda: sources.state("replayed").get("generation"))
    outcome = replays.replay("replayed", None, "an")
    assert (outcome.replayed, len(outcome.refused)) == (0, 1)
    with store.cursor() as cursor:
        assert len(cursor.execute(marked).fetchall()) == 2, "the mark is there again"
    found = logged(kafka, "replayed")
    assert (len(found.readings), found.received) == (2, 3 + 2), "though the mark was lost, nothing counts again"
    store.close()
