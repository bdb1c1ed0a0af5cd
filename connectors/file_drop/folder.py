"""The folder of a file drop: which files are complete, and where they are moved. Follows no link."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import stat
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import translate
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import BinaryIO

from connectors.tables.safe_open import DIRECTORY, open_inside, opened_folder
from ioc.errors import SourceUnavailable
from ioc.messages import Message

MOVED_TO = ("done", "refused")
UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart", ".partial", ".download")
_SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini"})
_MAYBE_CUT_FACTOR = 5
"""A text file that does not end with the end of a line must rest so many times longer: it may be cut off."""
Stamp = tuple[int, int]
"""Size and time of a file, in bytes and nanoseconds."""


@dataclass(frozen=True)
class DroppedFile:
    """A file that is complete.

    `path` is relative to the folder. `modified_ms` is what the mapping calls `$file_time`. `fault`: why the file is
    refused unread.
    """

    path: Path
    size_bytes: int
    modified_ms: int
    stamp: Stamp
    fault: str = ""

    @property
    def name(self) -> str:
        """The path, fit for messages."""
        return shown(self.path)


@dataclass(frozen=True)
class FolderScan:
    """What is in the folder: complete files, oldest first, and names of those that do not match the pattern.

    `changed` are the watched files that have changed and are complete again.
    """

    complete: list[DroppedFile]
    others: list[str]
    changed: list[DroppedFile]


@dataclass
class DropFolder:
    """A folder and the pattern of its files.

    `pattern` is relative to the folder: `*` stands for text within a name, `**` for any folders; case does not matter.
    A file is complete when neither size nor time have changed for `rest_s` and no process has it open for writing; with
    `done_marker`, as soon as a file of its name with that ending is beside it, and not before.
    """

    folder: Path
    pattern: str = "*"
    rest_s: float = 2.0
    done_marker: str = ""
    _seen: dict[Path, tuple[Stamp, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._levels = [
            None if level == "**" else re.compile(translate(_folded(level)))
            for level in PurePosixPath(self.pattern).parts
        ]

    def scan(self, now_s: float, watched: Mapping[Path, Stamp] = MappingProxyType({})) -> FolderScan:
        """Look into the folder. Raises SourceUnavailable when it cannot be read.

        `now_s` is any clock that only grows; `watched` are files that were moved, with their stamps at that time.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            found = dict(self._walk())
        except OSError as fault:
            raise SourceUnavailable(Message("folder_unreadable", folder=self.folder, reason=fault.strerror)) from fault
        others = []
        complete = []
        before, self._seen = self._seen, {}

        def rested_s(path: Path, stamp: Stamp) -> float:
            since_s = before[path][1] if path in before and before[path][0] == stamp else now_s
            self._seen[path] = (stamp, since_s)
            return now_s - since_s

        for path, status in found.items():
            if self.done_marker and path.name.endswith(self.done_marker):
                continue
            if not _matches(path.parts, self._levels):
                others.append(shown(path))
                continue
            stamp = (status.st_size, status.st_mtime_ns)
            rested = rested_s(path, stamp)
            modified_ms = status.st_mtime_ns // 1_000_000
            if not stat.S_ISREG(status.st_mode):
                kind = "a link" if stat.S_ISLNK(status.st_mode) else "a device or pipe"
                complete.append(DroppedFile(path, 0, modified_ms, stamp, f"It is {kind}; only regular files are read."))
            elif status.st_nlink > 1 and rested >= self.rest_s:
                why = "It has another name elsewhere (a hard link); copy the file instead."
                complete.append(DroppedFile(path, 0, modified_ms, stamp, why))
            elif self._is_complete(path, found, rested):
                complete.append(DroppedFile(path, status.st_size, modified_ms, stamp))
        changed = []
        for path, known in watched.items():
            stamp = self._stamp_of(path) or known
            if stamp != known and self._rests(path, rested_s(path, stamp)):
                changed.append(DroppedFile(path, stamp[0], stamp[1] // 1_000_000, stamp))
        return FolderScan(sorted(complete, key=lambda one: (one.modified_ms, str(one.path))), sorted(others), changed)

    def move(self, path: Path, into: str) -> Path:
        """Move the file to `done` or `refused` beside it, under a free name, and remove its marker.

        Returns the new path. Raises OSError.
        """
        above = path.parent.parent if path.parent.name in MOVED_TO else path.parent
        if path.parent == above / into:
            return path
        with opened_folder(self.folder, path.parent.parts) as here, opened_folder(self.folder, above.parts) as base:
            with suppress(FileExistsError):
                os.mkdir(into, dir_fd=base)
            there = os.open(into, DIRECTORY, dir_fd=base)
            try:
                name, number = path.name, 1
                while _exists(name, there):
                    number += 1
                    name = f"{path.stem}.{number}{path.suffix}"
                os.rename(path.name, name, src_dir_fd=here, dst_dir_fd=there)
            finally:
                os.close(there)
            if self.done_marker:
                with suppress(OSError):
                    os.unlink(path.name + self.done_marker, dir_fd=here)
        return above / into / name

    def move_back(self, path: Path) -> bool:
        """Move a refused file back to `path`.

        Returns False when it is no longer in `refused`, or another file is at `path`. Raises OSError.
        """
        try:
            with (
                opened_folder(self.folder, path.parent.parts) as above,
                opened_folder(self.folder, (*path.parent.parts, "refused")) as here,
            ):
                if not _exists(path.name, here) or _exists(path.name, above):
                    return False
                os.rename(path.name, path.name, src_dir_fd=here, dst_dir_fd=above)
        except FileNotFoundError:
            return False
        return True

    def _walk(self, beneath: tuple[str, ...] = ()) -> Iterator[tuple[Path, os.stat_result]]:
        depth = len(beneath) + 1
        goes_deeper = None in self._levels or depth < len(self._levels)
        with opened_folder(self.folder, beneath) as here:
            for name in os.listdir(here):  # noqa: PTH208  an open folder cannot be replaced by a link
                try:
                    status = os.stat(name, dir_fd=here, follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if stat.S_ISDIR(status.st_mode):
                    if goes_deeper and name not in MOVED_TO and name[0] != ".":
                        with suppress(FileNotFoundError, NotADirectoryError):
                            yield from self._walk((*beneath, name))
                elif (
                    name[0] not in ".~" and name.lower() not in _SYSTEM_FILES and not name.lower().endswith(UNFINISHED)
                ):
                    yield Path(*beneath, name), status

    def _is_complete(self, path: Path, found: dict[Path, os.stat_result], rested_s: float) -> bool:
        if self.done_marker:
            return path.with_name(path.name + self.done_marker) in found
        return self._rests(path, rested_s)

    def _rests(self, path: Path, rested_s: float) -> bool:
        if rested_s < self.rest_s:
            return False
        try:
            with open_inside(self.folder, path) as file:
                return not _is_being_written(file) and (
                    rested_s >= self.rest_s * _MAYBE_CUT_FACTOR or not _may_be_cut(file, path.name)
                )
        except OSError:
            return True  # what reads it says why

    def _stamp_of(self, path: Path) -> Stamp | None:
        """Return the file's size and time; None when it is gone or is not a regular file."""
        try:
            with open_inside(self.folder, path) as file:
                status = os.fstat(file.fileno())
        except OSError:
            return None
        return status.st_size, status.st_mtime_ns


def shown(path: Path) -> str:
    """Return the path for messages and records.

    A name may hold bytes that are not text, line ends, and marks that change the direction of writing.
    """
    text = os.fsencode(path).decode("utf-8", "replace")
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _exists(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _is_being_written(file: BinaryIO) -> bool:
    """Whether a process of this machine has the file open for writing: then a lease for readers is refused.

    Where the file system has no leases, or the file belongs to another user, this is not known, and False.
    """
    try:
        # A writer that opens the file now has this process signalled: not by SIGIO, which would end it.
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _may_be_cut(file: BinaryIO, name: str) -> bool:
    """Whether a text file ends in the middle of a line. Workbooks are complete or cannot be read."""
    if name.lower().endswith((".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")):
        return False
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 2))
    return not file.read(2).rstrip(b"\0").endswith((b"\n", b"\r"))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _matches(parts: Sequence[str], levels: Sequence[re.Pattern[str] | None]) -> bool:
    if not levels:
        return not parts
    if levels[0] is None:
        return any(_matches(parts[i:], levels[1:]) for i in range(len(parts) + 1))
    return bool(parts) and levels[0].match(_folded(parts[0])) is not None and _matches(parts[1:], levels[1:])
