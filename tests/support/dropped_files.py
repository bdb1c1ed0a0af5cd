"""A file drop without a broker: files are put into its folder, its pages are taken as the writer would."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa

from connectors.base import ConnectorContext, SourcePage, build_intake
from connectors.configuration import read_source
from connectors.file_drop import FileDrop
from connectors.known_keys import Keys
from connectors.row_keys import Flags
from connectors.same_key import SameKey
from connectors.writer import SourceWriter
from ioc.clock import SystemClock
from ioc.model.rejection import Rejection
from ioc.settings import VIETNAM
from tests.support.catalogs import hue

MAPPING = """
[mapping]
numbers = "vietnamese"
measure = { constant = "traffic.vehicles" }
unit = { constant = "46" }
time = { from = "Ngày", format = "dd/MM/yyyy[ HH:mm]" }
subject = "Trạm"
value = "Số lượng"
"""
HEADER = "Trạm;Ngày;Số lượng\n"


@dataclass
class Taken:
    """What came of some rounds: values in their order, refusals, records known before."""

    values: list[float] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    duplicate: int = 0

    @property
    def received(self) -> int:
        return len(self.values) + len(self.rejections) + self.duplicate

    @property
    def sentences(self) -> list[str]:
        return [refused.message for refused in self.rejections]


class KnownRows:
    """Stands for the writer of a source with `same_key = "repeat"`: it knows rows by their content, across restarts."""

    same_key = SameKey.REPEAT

    def __init__(self) -> None:
        self._known: set[int] = set()

    def known_rows(self, keys: Keys) -> tuple[Flags, Flags]:
        known = np.array([key in self._known for key in keys.tolist()], np.bool_)
        return known, np.zeros(len(keys), np.bool_)

    def contradicts(self, readings: pa.RecordBatch) -> Flags:
        return np.zeros(readings.num_rows, np.bool_)

    def remember(self, keys: Keys) -> None:
        self._known.update(keys.tolist())


class Drop:
    """`rest` is short, so that two rounds take a file."""

    def __init__(self, directory: Path, options: str = "", mapping: str = MAPPING) -> None:
        self.directory = directory
        self.folder = directory / "inbox"
        self.folder.mkdir(parents=True, exist_ok=True)
        if "rest" not in options:
            options += '\nrest = "1ms"'
        self._options = options
        self.configure(mapping)
        self.position: Any = None
        self.known = KnownRows()
        self.start()

    def configure(self, mapping: str) -> None:
        head = 'name = { vi = "Thử", en = "Test" }\nkind = "file_drop"\n[file]\ndirectory = "inbox"\n'
        (self.directory / "test.toml").write_text(f"{head}{self._options}\n{mapping}", encoding="utf-8")

    def start(self) -> None:
        """Begin again where the last page left off, as a process that was killed."""
        if hasattr(self, "connector"):
            self.end()
        context = ConnectorContext(hue().vocabulary, SystemClock(), VIETNAM, self.directory)
        self.connector = FileDrop(read_source(self.directory / "test.toml"), context)

    def put(self, name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
        return path

    async def rounds(self, count: int = 2) -> Taken:
        taken = Taken()
        for _ in range(count):
            await asyncio.sleep(0.002)
            async for page in self.connector.fetch(self.position):
                self._take(page, taken)
        return taken

    async def page_before_a_kill(self, taken: Taken) -> None:
        """Take one page, if there is one, and begin again with another process."""
        pages = self.connector.fetch(self.position)
        async for page in pages:
            self._take(page, taken)
            break
        await pages.aclose()  # type: ignore[attr-defined]
        self.end()
        self.start()

    def _take(self, page: SourcePage, taken: Taken) -> None:
        memory = self.connector._memory(cast(SourceWriter, self.known), page)
        intake = build_intake(page, self.connector.mapping, self.connector.context, memory)
        self.known.remember(intake.row_keys)
        if page.identity is not None:
            page.identity.counter.confirm()
        self.position = json.loads(json.dumps(page.position))
        taken.values += intake.readings.column("value").to_pylist() if intake.readings else []
        taken.subjects += intake.readings.column("subject").to_pylist() if intake.readings else []
        taken.rejections += intake.rejections
        taken.duplicate += intake.duplicate

    def names(self, folder: str = "") -> list[str]:
        """Of the files in the folder, or in one below it."""
        place = self.folder / folder
        return sorted(path.name for path in place.iterdir() if not path.is_dir()) if place.is_dir() else []

    def end(self) -> None:
        self.connector._reader.end()
