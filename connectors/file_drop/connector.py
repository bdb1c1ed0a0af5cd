"""Take the files of a folder, each row once, and put them away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from connectors.base import Page, PollingConnector, Surroundings, malformed
from connectors.configuration import SourceConfiguration, Table
from connectors.file_drop.content import Content, Finished, beginning_of, content_of
from connectors.file_drop.folder import DropFolder, Dropped, shown
from connectors.replay import FILE_OF_REFUSAL, file_of_refusal
from connectors.row_keys import RowCounter, RowIdentity
from connectors.same_key import SameKey
from connectors.tables.reading import TableFormat, rows_of_file
from connectors.tables.rows import TABLE_ENDS
from connectors.writer import SourceWriter
from ioc.clock import from_ms, to_ms
from ioc.errors import BatchMalformed, SourceUnavailable
from ioc.supervisor.limited_process import LimitedProcess, LimitExceeded, Limits
from ioc.wire.replays import ReplayRequest, ReplayResult

DONE_KNOWN = 200
_FILE_GONE = "The file {!r} is not in refused/ any more, or another one lies in the folder; hand it over again."
WATCHED_FILES, WATCHED_MS = 10, 600_000
"""A file that was put away is watched for changes: the last few, for ten minutes."""
_IDLE_S = 10.0
_USED_BYTES = 64 << 20
"""The reading process is replaced when it is idle for long or has read so much, to give its memory back."""


class FileDrop(PollingConnector):
    """A folder in which an agency leaves CSV files or workbooks.

    Source   `directory`, files that match `pattern`, once they have rested; read in a process with limits
    Emits    what the mapping makes of each row, ROWS_AT_ONCE at a time
    Resumes  from the row reached. Done files go to `done/`, broken ones to `refused/` with a dead letter

    Its position: {"hash", "row"} of the file under way (no hash: none), "done": {hash: [rows, configuration]} of the
    last DONE_KNOWN files, "failed": {hash: rows} of refused ones, "refused": the hash of the file under way if it was,
    "finished": the files that are watched.
    """

    kind = "file_drop"

    def __init__(self, configuration: SourceConfiguration, surroundings: Surroundings) -> None:
        super().__init__(configuration, surroundings)
        own = configuration.own
        self._folder = DropFolder(
            surroundings.data_dir / own.text("directory"),
            _pattern(own),
            rest_s=own.span("rest", "2s").total_seconds(),
            done_marker=own.text("done_marker", ""),
        )
        self._format = TableFormat(
            frozenset(self.mapping.columns()), own.text("sheet", ""), own.one_of("table_end", TABLE_ENDS, "auto")
        )
        self._largest_bytes = int(own.number("largest_mb", 1024) * 1024 * 1024)
        memory_mb = own.number("memory_mb", 1024)
        if not 64 <= memory_mb <= 1 << 20:
            raise own.fault("memory_mb", f"is {memory_mb:g}, not between 64 and 1048576.")
        self._reader = LimitedProcess(Limits(int(memory_mb) << 20, own.span("processor_time", "60s").total_seconds()))
        self._reader_used_s, self._reader_bytes = 0.0, 0
        self.every_s = own.span("every", "500ms").total_seconds()
        own.done()
        if not self.mapping.outputs:
            raise configuration.mapping.fault("unit", "is missing: a dropped file needs a mapping of its columns.")

    async def run(self, writer: SourceWriter) -> None:
        try:
            await super().run(writer)
        finally:
            self._reader.end()

    async def fetch(self, position: Any) -> AsyncIterator[Page]:
        place: dict[str, Any] = {"hash": "", "row": 0, "done": {}, "failed": {}, "finished": [], **(position or {})}
        now_ms = to_ms(self.surroundings.clock.now())
        finished = [Finished(Path(path), *rest) for path, *rest in place["finished"]]
        watched = {one.path: one for one in finished if one.at_ms > now_ms - WATCHED_MS}
        marks = {path: (one.size_bytes, one.modified_ns) for path, one in watched.items()}
        look = await asyncio.to_thread(self._folder.look, time.monotonic(), marks)
        unreadable = []
        for dropped in [*look.complete, *look.changed]:
            try:
                content = await asyncio.to_thread(content_of, self._folder.folder, dropped, watched.get(dropped.path))
            except OSError as fault:  # the others are read all the same
                unreadable.append(f"File {dropped.name} cannot be read: {fault.strerror or fault}.")
                continue
            async for page in self._file(dropped, content, place, watched.get(dropped.path)):
                place = page.position
                yield page
        self.report.notice = unreadable[0] if unreadable else self._others(look.others)
        if not look.complete and time.monotonic() - self._reader_used_s > _IDLE_S:
            self._reader.end()

    async def _file(
        self, dropped: Dropped, content: Content, place: dict[str, Any], before: Finished | None
    ) -> AsyncIterator[Page]:
        """The pages of one file, which then is put away. `before`: it was already, and has changed."""
        digest = content.digest
        is_under_way = place["hash"] == digest
        known, configuration = _rows_and_configuration(place["done"].get(digest))
        if before is not None and digest == before.digest:
            yield Page([], self._with_finished(place, dropped, dropped.path, content, before.rows))
            return
        # Rows that were refused are tried again once mapping or catalogue have changed.
        knows_files = self.configuration.same_key is SameKey.REPEAT
        if knows_files and known is not None and not is_under_way and configuration in ("", self._configuration_text()):
            place = {**place, "hash": digest, "row": known}
            yield Page([], place, duplicate=known)
            await self._away(dropped, "done")
            yield Page([], {**place, "hash": ""})
            return
        start = place["row"] if is_under_way else place["failed"].get(digest, 0)
        rows = start
        if before is not None and not is_under_way and not dropped.fault:
            if content.beginning == before.digest:
                rows = start = before.rows if content.ends_line else max(0, before.rows - 1)
                place = {**place, "hash": digest, "row": start}
                yield Page([], place, duplicate=start)
            elif before.rows and self.configuration.same_key is not SameKey.CORRECTION:
                fault = "It changed after it was read, and not only at its end; hand it over under a new name."
                dropped = Dropped(dropped.path, dropped.size_bytes, dropped.modified_ms, dropped.mark, fault)
        if not (is_under_way and place.get("refused") == digest):
            async for page in self._pages(dropped, digest, start, place):
                place = page.position
                rows = place["row"]
                yield page
        is_refused = place.get("refused") == digest
        if not is_refused:
            self.report.trouble = ""
        path = await self._away(dropped, "refused" if is_refused else "done")
        yield Page([], self._with_finished(place, dropped, path, content, rows))

    async def _pages(self, dropped: Dropped, digest: str, start: int, place: Mapping[str, Any]) -> AsyncIterator[Page]:
        around = {"$file_name": shown(Path(dropped.path.name)), "$file_time": from_ms(dropped.modified_ms)}
        position = {name: value for name, value in place.items() if name != "refused"} | {"hash": digest}
        counter, prefix = RowCounter(), self._prefix(around)
        identity = RowIdentity(counter, prefix=prefix)
        row, numbered, tries = start, 0, 2
        try:
            if dropped.fault:
                raise BatchMalformed(dropped.fault)
            if dropped.size_bytes > self._largest_bytes:
                raise BatchMalformed(f"The file has more than {self._largest_bytes >> 20} MB.")
            while tries:
                chunks = self._reader.stream(rows_of_file, self._folder.folder, dropped.path, self._format, numbered)
                try:
                    chunk = await asyncio.to_thread(next, chunks, None)
                    while chunk and numbered < row:  # taken before: they only number the equal rows behind
                        before = chunk[: row - numbered]
                        counter.keys([prefix + content for _, content in before])
                        counter.taken()
                        numbered += len(before)
                        chunk = chunk[len(before) :] or await asyncio.to_thread(next, chunks, None)
                    while chunk:
                        following = await asyncio.to_thread(next, chunks, None)
                        row += len(chunk)
                        if not following:
                            position["done"] = _with_last(place["done"], digest, [row, self._configuration_text()])
                            position["failed"] = {d: n for d, n in place["failed"].items() if d != digest}
                        yield Page(chunk, {**position, "row": row}, around=around, identity=identity)
                        numbered = row
                        chunk = following
                    tries = 0
                except BatchMalformed:
                    tries = 0
                    raise
                except LimitExceeded as fault:
                    tries -= 1
                    if not (fault.was_killed and tries):
                        sentence = f"{fault} Split the file, or raise memory_mb or processor_time of the source."
                        raise BatchMalformed(sentence) from fault
                finally:
                    self._spare_reader(dropped.size_bytes, is_whole=not tries)
        except (BatchMalformed, OSError) as fault:
            sentence = f"File {dropped.name}: {fault}"
            self.report.trouble = sentence
            refused = {"row": row, "failed": _with_last(place["failed"], digest, row), "refused": digest}
            beginning = (
                b"" if dropped.fault else await asyncio.to_thread(beginning_of, self._folder.folder, dropped.path)
            )
            around = {FILE_OF_REFUSAL: shown(dropped.path)}
            yield Page([(malformed(sentence), beginning)], {**position, **refused}, around=around)

    async def replay(self, writer: SourceWriter, request: ReplayRequest) -> ReplayResult:
        """Read rows again; a file that was refused as a whole is put back into the folder."""
        files = {record.key: name for record in request.records if (name := file_of_refusal(record))}
        rows = [record for record in request.records if record.key not in files]
        result = await super().replay(writer, replace(request, records=rows))
        back, gone = list[str](), list[str]()
        for key, name in files.items():
            path = Path(name)
            is_inside = not path.is_absolute() and ".." not in path.parts
            taken = is_inside and await asyncio.to_thread(self._folder.take_back, path)
            (back if taken else gone).append(key)
        return replace(
            result,
            replayed=[*result.replayed, *back],
            not_replayable=[*result.not_replayable, *((key, _FILE_GONE.format(files[key])) for key in gone)],
            files=[files[key] for key in back],
        )

    def _prefix(self, around: Mapping[str, Any]) -> bytes:
        """Return the properties of the file that the mapping uses, as part of the content of each row."""
        named = self.mapping.around()
        return "|".join(str(value) for name, value in around.items() if name in named).encode()

    def _configuration_text(self) -> str:
        return f"{self.configuration_number():x}"

    async def _away(self, dropped: Dropped, into: str) -> Path:
        await self.all_safe()
        try:
            return await asyncio.to_thread(self._folder.put_away, dropped.path, into)
        except OSError as fault:
            sentence = f"File {dropped.name} cannot be moved to {into}/: {fault.strerror}."
            raise SourceUnavailable(sentence) from fault

    def _with_finished(
        self, place: Mapping[str, Any], dropped: Dropped, path: Path, content: Content, rows: int
    ) -> dict[str, Any]:
        now_ms = to_ms(self.surroundings.clock.now())
        if shown(path) != str(path):  # no position can hold the name, so the file is not watched
            return {**place, "hash": ""}
        one = Finished(path, *dropped.mark, content.digest, content.size_bytes, rows, now_ms)
        others = [known for known in place["finished"] if known[0] != str(path)]
        return {**place, "hash": "", "finished": [*others, one.to_list()][-WATCHED_FILES:]}

    def _spare_reader(self, read_bytes: int, *, is_whole: bool) -> None:
        self._reader_used_s = time.monotonic()
        self._reader_bytes += read_bytes
        if not is_whole or self._reader_bytes > _USED_BYTES:
            self._reader.end()
            self._reader_bytes = 0

    def _others(self, names: list[str]) -> str:
        if not names:
            return ""
        shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        count = "1 file lies" if len(names) == 1 else f"{len(names)} files lie"
        return f"{count} in the folder that the pattern {self._folder.pattern!r} does not take: {shown}."


def _pattern(own: Table) -> str:
    pattern = own.text("pattern", "*")
    parts = PurePosixPath(pattern).parts
    if not parts or pattern.startswith("/") or ".." in parts:
        raise own.fault("pattern", f"is {pattern!r}, not a pattern of files inside the folder, such as *.csv.")
    return pattern


def _rows_and_configuration(known: int | list[Any] | None) -> tuple[int | None, str]:
    """Return rows and configuration of a file that is done; old positions have no configuration."""
    return (known[0], known[1]) if isinstance(known, list) else (known, "")


def _with_last(known: Mapping[str, Any], digest: str, rows: Any) -> dict[str, Any]:
    kept = {**{other: count for other, count in known.items() if other != digest}, digest: rows}
    return dict(list(kept.items())[-DONE_KNOWN:])
