"""Rows of a polled page, their mappings, and an intake that remembers their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.base import ConnectorContext, SourcePage, build_intake
from connectors.batching import Intake
from connectors.configuration import source_table
from connectors.deduplication import unmarked
from connectors.known_keys import KnownKeys
from connectors.mapping import RecordMapping
from connectors.mapping_table import read_mapping
from connectors.row_keys import RowCounter, RowIdentity, RowMemory
from ioc.clock import FixedClock
from ioc.settings import VIETNAM
from ioc.wire.compact_json import kept_json
from tests.support.catalogs import hue

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


Row = Mapping[str, Any]


class PageTaker:
    """Takes pages as a connector does, with the keys of what it took."""

    def __init__(self, *, compares_all: bool = True) -> None:
        self.known = KnownKeys()
        self.compares_all = compares_all
        self.context = ConnectorContext(hue().vocabulary, FixedClock(NOW), VIETNAM, None)  # type: ignore[arg-type]

    def take(
        self, rows: Sequence[Row], mapping: RecordMapping, counter: RowCounter, configuration: int = 1, number: int = 1
    ) -> Intake:
        page = SourcePage([(row, kept_json(row)) for row in rows], identity=RowIdentity(counter, number))
        assert page.identity is not None
        contents = [content for _, content in page.rows]
        memory = RowMemory(page.identity, contents, configuration, self.known.knows, compares_all=self.compares_all)
        intake = build_intake(page, mapping, self.context, memory)
        counter.confirm()
        self.known.classify(unmarked(intake.row_keys))
        return intake


def mapping(*readings: Mapping[str, Any]) -> RecordMapping:
    common = {"unit": "unit", "time": "at"}
    return read_mapping(source_table({**common, "readings": list(readings)}, "x.toml"), VIETNAM)


VEHICLES = {"measure": {"constant": "traffic.vehicles"}, "value": "n"}


SPEED = {"measure": {"constant": "traffic.speed"}, "value": "v"}


MISSPELT = {"measure": {"constant": "traffic.sped"}, "value": "v"}


def row(n: int, **more: Any) -> dict[str, Any]:
    return {"unit": "19753", "at": "2026-11-22T07:00:00+07:00", "n": n, "v": 30, **more}
