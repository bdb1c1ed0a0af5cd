"""What a REST source may answer, over real HTTP; and files as they are."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.base import ConnectorContext, build_intake
from connectors.configuration import read_source
from connectors.file_drop import FileDrop
from connectors.http_poll import HttpPoll
from ioc.catalog import load
from ioc.clock import SystemClock
from ioc.errors import SourceUnavailable
from ioc.settings import VIETNAM
from tests.integration.connectors.conformance import measured
from tests.integration.connectors.systems import RestServer
from tests.support.connect_process import Sources

SAMPLES = Path(__file__).parents[3] / "connectors" / "file_drop" / "samples"


def context(data_dir: Path) -> ConnectorContext:
    return ConnectorContext(load("46").vocabulary, SystemClock(), VIETNAM, data_dir)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RestServer]:
    system = RestServer(tmp_path, Sources(tmp_path, ""), "rest")
    system.start()
    yield system
    system.stop()


def poll(server: RestServer) -> HttpPoll:
    (server.directory / "rest.toml").write_text(server.configuration(), encoding="utf-8")
    return HttpPoll(read_source(server.directory / "rest.toml"), context(server.directory))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        pytest.param("500", "answered 500 Internal Server Error.", id="server error"),
        pytest.param("html", "answered with HTML or XML instead of JSON.", id="maintenance page"),
        pytest.param("empty", "answered with an empty body.", id="nothing"),
        pytest.param("truncated", "broke off its answer", id="cut off"),
        pytest.param("loop", "redirects in a circle.", id="redirects"),
        pytest.param("no list", "without a list at 'data.rows' of rows.", id="JSON of another form"),
    ],
)
async def test_wrong_answer_is_one_sentence(server: RestServer, wrong: str, sentence: str) -> None:
    server.wrong = wrong
    with pytest.raises(SourceUnavailable) as fault:
        _ = [page async for page in poll(server).fetch(None)]
    assert sentence in str(fault.value)
    assert "\n" not in str(fault.value)


async def test_pages_carry_their_place(server: RestServer) -> None:
    """From the position of any page the rest comes, nothing twice and nothing missing."""
    server.give([measured(n) for n in range(25)])
    connector = poll(server)
    pages = [page async for page in connector.fetch(None)]
    assert [len(page.rows) for page in pages] == [10, 10, 5, 0]
    rest = [page async for page in connector.fetch(pages[0].position)]
    assert [len(page.rows) for page in rest] == [10, 5, 0]
    again = [page async for page in poll(server).fetch(pages[0].position)]
    assert [len(page.rows) for page in again] == [10, 10, 5, 0], "a new process begins the round again"


async def test_commune_list_goes_through_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "gso-communes.toml").write_text((SAMPLES / "gso-communes.toml").read_text(encoding="utf-8"))
    configured = tmp_path / "gso-communes.toml"
    configured.write_text(configured.read_text(encoding="utf-8").replace("[file]", '[file]\nrest = "1ms"'))
    connector = FileDrop(read_source(configured), context(tmp_path))
    inbox = tmp_path / "inbox" / "communes"
    inbox.mkdir(parents=True)
    (inbox / "xã.csv").write_bytes((SAMPLES / "gso-communes-excerpt.csv").read_bytes())
    assert [page async for page in connector.fetch(None)] == [], "not before it has rested"
    await asyncio.sleep(0.002)
    pages = [page async for page in connector.fetch(None)]
    intake = build_intake(pages[0], connector.mapping, connector.context)
    assert intake.readings is not None
    rows = intake.readings.to_pylist()
    assert len(rows) == 60
    assert rows[0] | {"time": None} == {
        "measure": "records.handed_over",
        "unit": "46",
        "subject": "00001",
        "time": None,
        "value": 1.0,
    }
    assert not intake.rejections
    assert (inbox / "done" / "xã.csv").exists()
