"""What a connector reports about its last data beside `live`."""

from concurrent.futures import Future
from pathlib import Path
from typing import Any, cast

from connectors.base import Connector, ConnectorContext, SourcePage
from connectors.batching import Intake, IntakeResult
from connectors.configuration import read_source
from connectors.writer import SourceWriter
from ioc.clock import SystemClock
from ioc.settings import VIETNAM
from tests.support.catalogs import hue

SOURCE = """
name = { vi = "Không khí", en = "Air" }
kind = "mqtt"
[mapping]
unit = "xã"
time = "$arrival"
[[mapping.readings]]
measure = { constant = "air.pm25" }
value = "bụi mịn"
[[mapping.readings]]
measure = { constant = "air.pm10" }
value = "bụi"
"""


class Idle(Connector):
    kind = "mqtt"

    async def run(self, writer: SourceWriter) -> None: ...


class Recorder:
    """Stands for the writer: keeps what it is given."""

    def __init__(self) -> None:
        self.intakes: list[Intake] = []

    def add(self, intake: Intake) -> IntakeResult:
        self.intakes.append(intake)
        return IntakeResult(0, 0, Future())


async def test_renamed_fields_are_counted_and_named_until_they_are_back(tmp_path: Path) -> None:
    (tmp_path / "air.toml").write_text(SOURCE, encoding="utf-8")
    connector = Idle(
        read_source(tmp_path / "air.toml"), ConnectorContext(hue().vocabulary, SystemClock(), VIETNAM, tmp_path)
    )
    writer = Recorder()

    async def told(*rows: dict[str, Any]) -> str:
        around = {"$arrival": SystemClock().now()}
        await connector.submit_page(
            cast(SourceWriter, writer), SourcePage([(row, b"") for row in rows], extra_fields=around)
        )
        return connector.report.sentence

    renamed: dict[str, Any] = {"xã": "46", "PM2.5": 12, "PM10": 30}
    sentence = "The last data has no field bụi, bụi mịn; compare the mapping with what the source sends."
    assert await told(renamed, renamed) == sentence
    assert [refused.reason for refused in writer.intakes[0].rejections] == ["missing_field"] * 2
    assert writer.intakes[0].records == 2, "received = refused, not nothing"
    assert await told() == sentence, "a page without rows says nothing new"
    assert await told({"xã": "46", "bụi": None, "bụi mịn": None}, renamed) == "", "empty cells are no renamed fields"
    assert await told({"xã": "46", "bụi": 30}) == ""
