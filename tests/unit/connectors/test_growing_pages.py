"""Rows that come to the server between two pages, behind one that was not full, are fetched by the next round."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from connectors.base import ConnectorContext
from connectors.configuration import read_source
from connectors.http_poll import HttpPoll
from ioc.clock import SystemClock, rfc3339, to_ms
from ioc.settings import VIETNAM
from tests.support.catalogs import hue

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
SOURCE = """kind = "http_poll"
name = { vi = "Thử", en = "Trial" }
[poll]
url = "http://127.0.0.1:9/rows"
items = "rows"
[poll.since]
field = "at"
start = "1d"
[poll.paging]
kind = "page"
size = 100
size_parameter = "size"
[mapping]
measure = { constant = "traffic.vehicles" }
unit = "unit"
time = "at"
value = "value"
"""


@pytest.mark.parametrize(
    ("pages", "begins_again_at"),
    [
        pytest.param([100, 100, 30], 230, id="full pages"),
        pytest.param([30], 30, id="one page"),
        pytest.param([70, 20], 70, id="the first page grew while the second was asked for"),
        pytest.param([100, 70, 20], 170, id="the second did"),
        pytest.param([50, 50, 50, 30], 180, id="the server caps its pages"),
        pytest.param([50, 30], 50, id="capped or grown: the last page is asked for once more"),
    ],
)
def test_the_next_round_begins_where_rows_may_be_missing(
    tmp_path: Path, pages: list[int], begins_again_at: int
) -> None:
    (tmp_path / "grows.toml").write_text(SOURCE, encoding="utf-8")
    context = ConnectorContext(hue().vocabulary, SystemClock(), VIETNAM, tmp_path)
    poll = HttpPoll(read_source(tmp_path / "grows.toml"), context)
    place = poll._new_round({"pages": [], "number": 0})
    given = 0
    for number, count in enumerate([*pages, 0]):
        rows = [{"at": rfc3339(BEGAN + timedelta(seconds=n))} for n in range(given, given + count)]
        given += count
        _, place = poll._page(poll.parse(orjson.dumps({"rows": rows})), place, f"http://127.0.0.1:9/{number}", {})
    assert place["newest_ms"] == to_ms(BEGAN + timedelta(seconds=begins_again_at - 1))
