"""The runner: files come, change and go; one source's fault is its own."""

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
