"""Take the files of a folder, each row once, and put them away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

from connectors.base import Page, PollingConnector, Surroundings, malformed
from connectors.configuration import SourceConfiguration
from connectors.file_drop.tables import Line, lines_of
from ioc.clock import from_ms
from ioc.errors import BatchMalformed, SourceUnavailable

ROWS_A_PAGE = 2000
DONE_KNOWN = 200
_UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")


@dataclass(frozen=True)
class Dropped:
    """A file that is complete; `modified_ms` stands for the time of its rows where the mapping says `$file_time`."""

    path: Path
    size_bytes: int
    modified_ms: int


class FileDrop(PollingConnector):
    """A folder in which an agency leaves CSV, XLSX or XLS files.

    Source   `directory`, files that match `pattern`, once their size stands still
    Emits    what the mapping makes of each row, ROWS_A_PAGE at a time
    Resumes  from the row reached. Done files go to `done/`, broken ones to `refused/` with a dead letter

    Its position: {"hash", "row"} of the file under way, "done": {hash: rows} of the last DONE_KNOWN files.
    """

    kind = "file_drop"

    def __init__(self, configuration: SourceConfiguration, surroundings: Surroundings) -> None:
        super().__init__(configuration, surroundings)
        own = configuration.own
        self._directory = surroundings.data_dir / own.text("directory")
        self._pattern = own.text("pattern", "*")
        self._sheet = own.text("sheet", "")
        self._largest_bytes = int(own.number("largest_mb", 1024) * 1024 * 1024)
        self.every_s = own.span("every", "500ms").total_seconds()
        own.done()
        if not self.mapping.outputs:
            raise configuration.mapping.fault("unit", "is missing: a dropped file needs a mapping of its columns.")
        self._sizes: dict[str, tuple[int, int]] = {}
        self._put_away: set[str] = set()

    async def fetch(self, position: Any) -> AsyncIterator[Page]:
        place: dict[str, Any] = {"hash": "", "row": 0, "done": {}, **(position or {})}
        for dropped in await asyncio.to_thread(self._complete_files):
            digest = await asyncio.to_thread(_digest, dropped.path)
            known = place["done"].get(digest)
            if known is not None and (digest in self._put_away or place["hash"] != digest):
                yield Page([], {**place, "hash": digest}, duplicate=known)
                place = {**place, "hash": digest}
                await self._away(dropped.path, "done", digest)
                continue
            start = place["row"] if place["hash"] == digest else 0
            async for page in self._pages(dropped, digest, start, place):
                place = page.position
                yield page
            await self._away(dropped.path, "refused" if place.get("refused") == digest else "done", digest)

    def _complete_files(self) -> list[Dropped]:
        """Oldest first. Raises SourceUnavailable when the folder cannot be read."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            found = {}
            for path in self._directory.glob(self._pattern):
                if path.is_file() and path.name[0] not in ".~" and not path.name.endswith(_UNFINISHED):
                    status = path.stat()
                    found[path] = (status.st_size, status.st_mtime_ns)
        except OSError as fault:
            raise SourceUnavailable(f"Folder {self._directory} cannot be read: {fault.strerror}.") from fault
        still = [path for path, mark in found.items() if self._sizes.get(path.name) == mark]
        self._sizes = {path.name: mark for path, mark in found.items()}
        dropped = [Dropped(path, found[path][0], found[path][1] // 1_000_000) for path in still]
        return sorted(dropped, key=lambda d: (d.modified_ms, d.path.name))

    async def _pages(self, dropped: Dropped, digest: str, start: int, place: Mapping[str, Any]) -> AsyncIterator[Page]:
        around = {"$file_name": dropped.path.name, "$file_time": from_ms(dropped.modified_ms)}
        done = dict(place["done"])
        row = start
        try:
            if dropped.size_bytes > self._largest_bytes:
                raise BatchMalformed(f"The file has more than {self._largest_bytes >> 20} MB.")
            lines = islice(lines_of(dropped.path, self.mapping.columns(), self._sheet), start, None)
            chunk = await asyncio.to_thread(_chunk, lines)
            while chunk:
                following = await asyncio.to_thread(_chunk, lines)
                row += len(chunk)
                done = done if following else _with_last(done, digest, row)
                yield Page(chunk, {"hash": digest, "row": row, "done": done}, around=around)
                chunk = following
        except (BatchMalformed, OSError) as fault:
            sentence = f"File {dropped.path.name}: {fault}"
            self.report.trouble = sentence
            done = _with_last(done, digest, row + 1)
            position = {"hash": digest, "row": row, "done": done, "refused": digest}
            yield Page([(malformed(sentence), _beginning(dropped.path))], position)

    async def _away(self, path: Path, folder: str, digest: str) -> None:
        await self.all_safe()
        self._put_away.add(digest)
        try:
            await asyncio.to_thread(_move, path, folder)
        except OSError as fault:
            raise SourceUnavailable(f"File {path.name} cannot be moved to {folder}/: {fault.strerror}.") from fault


def _chunk(lines: Iterator[Line]) -> list[Line]:
    return list(islice(lines, ROWS_A_PAGE))


def _digest(path: Path) -> str:
    digest = blake2b(digest_size=10)
    try:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError as fault:
        raise SourceUnavailable(f"File {path.name} cannot be read: {fault.strerror}.") from fault
    return digest.hexdigest()


def _with_last(done: dict[str, int], digest: str, rows: int) -> dict[str, int]:
    kept = {**{known: count for known, count in done.items() if known != digest}, digest: rows}
    return dict(list(kept.items())[-DONE_KNOWN:])


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(1 << 20)
    except OSError:
        return b""


def _move(path: Path, folder: str) -> None:
    target = path.parent / folder / path.name
    target.parent.mkdir(exist_ok=True)
    number = 1
    while target.exists():
        number += 1
        target = path.parent / folder / f"{path.stem}.{number}{path.suffix}"
    path.rename(target)
