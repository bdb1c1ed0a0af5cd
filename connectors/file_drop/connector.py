"""Read the files of a folder, each row once, and move them to `done` or `refused`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from connectors.base import ConnectorContext, PollingConnector, SourcePage, malformed
from connectors.configuration import SourceConfiguration
from connectors.file_drop.content import FileDigest, FinishedFile, beginning_of, digest_file
from connectors.file_drop.folder import DropFolder, DroppedFile, shown
from connectors.replay import FILE_OF_REFUSAL, file_of_refusal
from connectors.row_keys import RowCounter, RowIdentity
from connectors.same_key import SameKey
from connectors.tables.reading import TableFormat, rows_of_file
from connectors.tables.rows import TABLE_ENDS
from connectors.writer import SourceWriter
from ioc.catalog.toml_table import TomlTable
from ioc.clock import from_ms, to_ms
from ioc.errors import BatchMalformed, SourceUnavailable
from ioc.messages import Message
from ioc.supervisor.limited_process import LimitedProcess, LimitExceeded, ProcessLimits
from ioc.wire.replays import ReplayRequest, ReplayResult

MAX_KNOWN_FILES = 200
_FILE_GONE = "The file {!r} is no longer in refused/, or another one is in the folder; put it into the folder again."
MAX_WATCHED_FILES, WATCHED_MS = 10, 600_000
"""The last files that were moved are watched for changes, for ten minutes."""
_MAX_IDLE_S = 10.0
_MAX_READ_BYTES = 64 << 20
"""The reading process is replaced when it is idle for this time or has read so much, which frees its memory."""


class FileDrop(PollingConnector):
    """A folder in which an agency leaves CSV files or workbooks.

    Source   `directory`, files that match `pattern`, once they have rested; read in a process with limits
    Emits    what the mapping makes of each row, ROWS_AT_ONCE at a time
    Resumes  from the row reached. Done files go to `done/`, broken ones to `refused/` with a dead letter

    Its position: {"hash", "row"} of the file being read (no hash: none), "done": {hash: [rows, configuration]} of the
    last MAX_KNOWN_FILES files, "failed": {hash: rows} of refused ones, "refused": the hash of the file being read if
    it was refused, "finished": the files that are watched.
    """

    kind = "file_drop"

    def __init__(self, configuration: SourceConfiguration, context: ConnectorContext) -> None:
        super().__init__(configuration, context)
        own = configuration.own
        self._folder = DropFolder(
            context.data_dir / own.text("directory"),
            _pattern(own),
            rest_s=_seconds(own, "rest", "2s"),
            done_marker=own.text("done_marker", ""),
        )
        self._format = TableFormat(
            frozenset(self.mapping.columns()), own.text("sheet", ""), own.choice("table_end", TABLE_ENDS, "auto")
        )
        self._largest_bytes = int(own.number("largest_mb", 1024) * 1024 * 1024)
        memory_mb = own.number("memory_mb", 1024)
        if not 64 <= memory_mb <= 1 << 20:
            raise own.invalid("memory_mb", Message("memory_mb_range", given=memory_mb))
        self._reader = LimitedProcess(ProcessLimits(int(memory_mb) << 20, _seconds(own, "processor_time", "60s")))
        self._reader_used_s, self._reader_bytes = 0.0, 0
        self.every_s = _seconds(own, "every", "500ms")
        own.finish()
        if not self.mapping.outputs:
            raise configuration.mapping.invalid("unit", Message("file_needs_mapping"))

    async def run(self, writer: SourceWriter) -> None:
        """Look into the folder at intervals, until cancelled."""
        try:
            await super().run(writer)
        finally:
            self._reader.end()

    async def fetch(self, position: Any) -> AsyncIterator[SourcePage]:
        """Yield the pages of the files that are complete, or that have changed since they were moved."""
        position = {"hash": "", "row": 0, "done": {}, "failed": {}, "finished": [], **(position or {})}
        now_ms = to_ms(self.context.clock.now())
        finished = [FinishedFile(Path(path), *rest) for path, *rest in position["finished"]]
        watched = {one.path: one for one in finished if one.at_ms > now_ms - WATCHED_MS}
        stamps = {path: (one.size_bytes, one.modified_ns) for path, one in watched.items()}
        scan = await asyncio.to_thread(self._folder.scan, time.monotonic(), stamps)
        unreadable = []
        for dropped in [*scan.complete, *scan.changed]:
            try:
                content = await asyncio.to_thread(digest_file, self._folder.folder, dropped, watched.get(dropped.path))
            except OSError as fault:  # the others are still read
                unreadable.append(Message("dropped_unreadable", file=dropped.name, reason=fault.strerror or str(fault)))
                continue
            async for page in self._file(dropped, content, position, watched.get(dropped.path)):
                position = page.position
                yield page
        self.report.notice = unreadable[0] if unreadable else self._others(scan.others) or ""
        if not scan.complete and time.monotonic() - self._reader_used_s > _MAX_IDLE_S:
            self._reader.end()

    async def _file(
        self, dropped: DroppedFile, content: FileDigest, position: dict[str, Any], before: FinishedFile | None
    ) -> AsyncIterator[SourcePage]:
        """Yield the pages of one file and move it. `before`: it was moved earlier, and has changed since."""
        digest = content.digest
        is_started = position["hash"] == digest
        known, configuration = _rows_and_configuration(position["done"].get(digest))
        if before is not None and digest == before.digest:
            yield SourcePage([], self._with_finished(position, dropped, dropped.path, content, before.rows))
            return
        # Rows that were refused are tried again once mapping or catalogue have changed.
        knows_files = self.configuration.same_key is SameKey.REPEAT
        if knows_files and known is not None and not is_started and configuration in ("", self._configuration_text()):
            position = {**position, "hash": digest, "row": known}
            yield SourcePage([], position, duplicate=known)
            await self._move(dropped, "done")
            yield SourcePage([], {**position, "hash": ""})
            return
        start = position["row"] if is_started else position["failed"].get(digest, 0)
        rows = start
        if before is not None and not is_started and not dropped.fault:
            if content.beginning == before.digest:
                rows = start = before.rows if content.ends_line else max(0, before.rows - 1)
                position = {**position, "hash": digest, "row": start}
                yield SourcePage([], position, duplicate=start)
            elif before.rows and self.configuration.same_key is not SameKey.CORRECTION:
                fault = (
                    "It changed after it was read, and not only at its end; put it into the folder under a new name."
                )
                dropped = replace(dropped, fault=fault)
        if not (is_started and position.get("refused") == digest):
            async for page in self._pages(dropped, digest, start, position):
                position = page.position
                rows = position["row"]
                yield page
        is_refused = position.get("refused") == digest
        if not is_refused:
            self.report.trouble = ""
        path = await self._move(dropped, "refused" if is_refused else "done")
        yield SourcePage([], self._with_finished(position, dropped, path, content, rows))

    async def _pages(
        self, dropped: DroppedFile, digest: str, start: int, position: Mapping[str, Any]
    ) -> AsyncIterator[SourcePage]:
        extra = {"$file_name": shown(Path(dropped.path.name)), "$file_time": from_ms(dropped.modified_ms)}
        position = {name: value for name, value in position.items() if name != "refused"} | {"hash": digest}
        counter, prefix = RowCounter(), self._prefix(extra)
        identity = RowIdentity(counter, prefix=prefix)
        row, numbered, tries = start, 0, 2
        try:
            if dropped.fault:
                raise BatchMalformed(Message.of(dropped.fault))
            if dropped.size_bytes > self._largest_bytes:
                raise BatchMalformed(Message("file_over_limit", limit=self._largest_bytes >> 20))
            while tries:
                chunks = self._reader.stream(rows_of_file, self._folder.folder, dropped.path, self._format, numbered)
                try:
                    chunk = await asyncio.to_thread(next, chunks, None)
                    while chunk and numbered < row:  # submitted before: they only number the equal rows after them
                        before = chunk[: row - numbered]
                        counter.keys([prefix + content for _, content in before])
                        counter.confirm()
                        numbered += len(before)
                        chunk = chunk[len(before) :] or await asyncio.to_thread(next, chunks, None)
                    while chunk:
                        following = await asyncio.to_thread(next, chunks, None)
                        row += len(chunk)
                        if not following:
                            position["done"] = _with_last(position["done"], digest, [row, self._configuration_text()])
                            position["failed"] = {d: n for d, n in position["failed"].items() if d != digest}
                        yield SourcePage(chunk, {**position, "row": row}, extra_fields=extra, identity=identity)
                        numbered = row
                        chunk = following
                    tries = 0
                except BatchMalformed:
                    tries = 0
                    raise
                except LimitExceeded as fault:
                    tries -= 1
                    if not (fault.was_killed and tries):
                        raise BatchMalformed(Message("file_split", reason=fault.message)) from fault
                finally:
                    self._end_used_reader(dropped.size_bytes, is_whole=not tries)
        except (BatchMalformed, OSError) as fault:
            reason = fault.message if isinstance(fault, BatchMalformed) else str(fault)
            sentence = Message("dropped_refused", file=dropped.name, reason=reason)
            self.report.trouble = sentence
            refused = {"row": row, "failed": _with_last(position["failed"], digest, row), "refused": digest}
            beginning = (
                b"" if dropped.fault else await asyncio.to_thread(beginning_of, self._folder.folder, dropped.path)
            )
            extra = {FILE_OF_REFUSAL: shown(dropped.path)}
            yield SourcePage([(malformed(sentence), beginning)], {**position, **refused}, extra_fields=extra)

    async def replay(self, writer: SourceWriter, request: ReplayRequest) -> ReplayResult:
        """Replay rows; a file that was refused as a whole is moved back into the folder."""
        files = {record.key: name for record in request.records if (name := file_of_refusal(record))}
        rows = [record for record in request.records if record.key not in files]
        result = await super().replay(writer, replace(request, records=rows))
        back, gone = list[str](), list[str]()
        for key, name in files.items():
            path = Path(name)
            is_inside = not path.is_absolute() and ".." not in path.parts
            is_back = is_inside and await asyncio.to_thread(self._folder.move_back, path)
            (back if is_back else gone).append(key)
        return replace(
            result,
            replayed=[*result.replayed, *back],
            not_replayable=[*result.not_replayable, *((key, _FILE_GONE.format(files[key])) for key in gone)],
            files=[files[key] for key in back],
        )

    def _prefix(self, extra: Mapping[str, Any]) -> bytes:
        """Return the properties of the file that the mapping uses, which are part of the content of each row."""
        named = self.mapping.extra_fields()
        return "|".join(str(value) for name, value in extra.items() if name in named).encode()

    def _configuration_text(self) -> str:
        return f"{self.configuration_number():x}"

    async def _move(self, dropped: DroppedFile, into: str) -> Path:
        """Move a file to a folder beside it once its rows are safe. Raises SourceUnavailable."""
        await self.wait_until_safe()
        try:
            return await asyncio.to_thread(self._folder.move, dropped.path, into)
        except OSError as fault:
            raise SourceUnavailable(
                Message("file_not_moved", file=dropped.name, folder=into, reason=fault.strerror)
            ) from fault

    def _with_finished(
        self, position: Mapping[str, Any], dropped: DroppedFile, path: Path, content: FileDigest, rows: int
    ) -> dict[str, Any]:
        now_ms = to_ms(self.context.clock.now())
        if shown(path) != str(path):  # the name cannot be kept in a position, so the file is not watched
            return {**position, "hash": ""}
        one = FinishedFile(path, *dropped.stamp, content.digest, content.size_bytes, rows, now_ms)
        others = [known for known in position["finished"] if known[0] != str(path)]
        return {**position, "hash": "", "finished": [*others, one.to_list()][-MAX_WATCHED_FILES:]}

    def _end_used_reader(self, read_bytes: int, *, is_whole: bool) -> None:
        self._reader_used_s = time.monotonic()
        self._reader_bytes += read_bytes
        if not is_whole or self._reader_bytes > _MAX_READ_BYTES:
            self._reader.end()
            self._reader_bytes = 0

    def _others(self, names: list[str]) -> Message | None:
        if not names:
            return None
        shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        return Message("files_not_matching", count=len(names), pattern=self._folder.pattern, shown=shown)


def _seconds(own: TomlTable, field: str, default: str) -> float:
    return (own.duration(field, default) or timedelta()).total_seconds()


def _pattern(own: TomlTable) -> str:
    pattern = own.text("pattern", "*")
    parts = PurePosixPath(pattern).parts
    if not parts or pattern.startswith("/") or ".." in parts:
        raise own.invalid("pattern", Message("file_pattern", given=pattern))
    return pattern


def _rows_and_configuration(known: int | list[Any] | None) -> tuple[int | None, str]:
    """Return rows and configuration of a file that is done; positions of old versions have no configuration."""
    return (known[0], known[1]) if isinstance(known, list) else (known, "")


def _with_last(known: Mapping[str, Any], digest: str, rows: Any) -> dict[str, Any]:
    kept = {**{other: count for other, count in known.items() if other != digest}, digest: rows}
    return dict(list(kept.items())[-MAX_KNOWN_FILES:])
