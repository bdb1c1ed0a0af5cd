"""Stored issues, kept forever: `<data>/reports/<report>/<period>/<number>/` with values.json, report.xlsx, report.pdf.

A folder appears whole, by a rename; what a kill leaves behind is in `.making` and gets removed.
"""

import os
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from ioc.errors import IocError, StoreUnavailable
from ioc.messages import Message
from ioc.reports.issue_content import Issue

VALUES = "values.json"
FILES = {"xlsx": "report.xlsx", "pdf": "report.pdf", "json": VALUES}
_MAKING = ".making"
_LEFT_BEHIND_S = 3600
_SAFE = re.compile(r"[a-z][a-z0-9_.]*")
_PERIOD = re.compile(r"\d{4}(-[QW]?\d{1,2})?")


class NoIssue(IocError):
    """There is no such issue."""


@dataclass(frozen=True, slots=True, order=True)
class IssueId:
    """An issue's id, written `2026-10.2`: period and number."""

    report: str
    period: str
    number: int

    def __str__(self) -> str:
        return f"{self.period}.{self.number}"

    @classmethod
    def parse(cls, report: str, text: str) -> "IssueId":
        """Parse an id.

        Raises NoIssue.
        """
        period, _, number = text.rpartition(".")
        if not _SAFE.fullmatch(report) or not _PERIOD.fullmatch(period) or not number.isdigit() or len(number) > 6:
            raise NoIssue(Message("no_issue_written", report=report[:60], given=text[:40]))
        return cls(report, period, int(number))


class Issues:
    """All issues. Several processes may add at the same time."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def of(self, report: str) -> list[IssueId]:
        """Return a report's issues, newest period first, newest issue first."""
        folder = self._directory / report
        found = [
            IssueId(report, period.name, int(number.name))
            for period in (folder.iterdir() if folder.is_dir() else ())
            if _PERIOD.fullmatch(period.name)
            for number in period.iterdir()
            if number.name.isdigit() and (number / VALUES).is_file()
        ]
        return sorted(found, reverse=True)

    def latest(self, report: str, period: str = "") -> IssueId | None:
        """Return the latest issue of a period, or of the newest period when `period` is empty."""
        return next((issue for issue in self.of(report) if period in ("", issue.period)), None)

    def newest_made(self, report: str) -> dict[str, Any] | None:
        """Return the values of the issue that was made last, whatever its period."""
        values = [self.values(issue) for issue in self.of(report)]
        return max(values, key=lambda one: one["made_at"], default=None)

    def path(self, issue: IssueId, kind: str) -> Path:
        """Return the path of a file of an issue.

        Raises NoIssue.
        """
        path = self._folder(issue) / FILES[kind]
        if not path.is_file():
            raise NoIssue(Message("no_issue", report=issue.report, given=issue))
        return path

    def values(self, issue: IssueId) -> dict[str, Any]:
        """Return an issue's content.

        Raises NoIssue.
        """
        values: dict[str, Any] = orjson.loads(self.path(issue, "json").read_bytes())
        return values

    def add(self, issue: Issue, files: Mapping[str, bytes]) -> IssueId:
        """Store an issue with all its files, or nothing.

        Raises FileExistsError when another process took the number, StoreUnavailable when the disk fails.
        """
        made = IssueId(issue.report, issue.period, issue.number)
        draft = self._directory / _MAKING / uuid4().hex
        try:
            draft.mkdir(parents=True)
            content = {"json": orjson.dumps(issue, option=orjson.OPT_SERIALIZE_NUMPY), **files}
            for kind, data in content.items():
                _write(draft / FILES[kind], data)
            _sync(draft)
            folder = self._folder(made)
            folder.parent.mkdir(parents=True, exist_ok=True)
            if folder.exists():
                raise FileExistsError(str(folder))
            draft.rename(folder)
            _sync(folder.parent)
        except FileExistsError:
            raise
        except OSError as fault:
            if fault.errno is not None and folder_taken(fault):
                raise FileExistsError(str(self._folder(made))) from fault
            raise StoreUnavailable(
                Message("issue_not_written", issue=made, report=issue.report, reason=fault.strerror)
            ) from fault
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return made

    def clear(self) -> None:
        """Remove what killed processes began an hour ago or earlier."""
        for draft in (self._directory / _MAKING).glob("*"):
            if time.time() - draft.stat().st_mtime > _LEFT_BEHIND_S:
                shutil.rmtree(draft, ignore_errors=True)

    def _folder(self, issue: IssueId) -> Path:
        return self._directory / issue.report / issue.period / str(issue.number)


def folder_taken(fault: OSError) -> bool:
    """Return whether a rename failed because another process created the folder."""
    return fault.errno in (39, 17)  # ENOTEMPTY, EEXIST


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
