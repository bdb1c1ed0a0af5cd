"""The log of sent issues: every attempt is one line of JSON in `<data>/reports/sendings.ndjson`."""

import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from ioc.clock import rfc3339
from ioc.errors import SourceUnavailable
from ioc.reports.issue_store import IssueId

MOST_TRIES = 12
FIRST_BACK_OFF = timedelta(seconds=30)
LONGEST_BACK_OFF = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class IssueMessage:
    """An issue to send: `files` for channels that accept them, `link` for others.

    `id` is the same for every attempt.
    """

    id: str
    subject: str
    body: str
    link: str
    files: tuple[Path, ...]


Send = Callable[[str, IssueMessage], None]
"""Sends by a channel's id. Raises SourceUnavailable when a retry may help, another IocError when not."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt.

    `outcome` is sent, failed (retried at `next_at`) or dead; times are RFC 3339.
    """

    report: str
    period: str
    number: int
    channel: str
    attempt: int
    at: str
    outcome: str
    reason: str
    next_at: str


class Sendings:
    """The log. One process appends; a line cut off by a kill is skipped."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, issue: IssueId) -> list[Attempt]:
        """Return the attempts for an issue, earliest first."""
        return [
            one
            for one in self._read()
            if (one.report, one.period, one.number) == (issue.report, issue.period, issue.number)
        ]

    def note(self, attempt: Attempt) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            if file.tell() and not self._ends_whole():
                file.write(b"\n")
            file.write(orjson.dumps(asdict(attempt)) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def due(self, issues: Iterable[tuple[IssueId, dict[str, Any]]], now: datetime) -> list[tuple[IssueId, str, int]]:
        """Return issue, channel and attempt number of what is neither sent nor given up and whose time has come."""
        known: dict[tuple[str, str, int, str], Attempt] = {}
        for one in self._read():
            known[one.report, one.period, one.number, one.channel] = one
        found = []
        for issue, values in issues:
            for channel in values.get("send_to", ()):
                last = known.get((issue.report, issue.period, issue.number, channel))
                if last is None:
                    found.append((issue, channel, 1))
                elif last.outcome == "failed" and datetime.fromisoformat(last.next_at) <= now:
                    found.append((issue, channel, last.attempt + 1))
        return found

    def _read(self) -> list[Attempt]:
        found = []
        for line in self._path.read_bytes().splitlines() if self._path.is_file() else ():
            try:
                found.append(Attempt(**orjson.loads(line)))
            except (orjson.JSONDecodeError, TypeError):
                continue
        return found

    def _ends_whole(self) -> bool:
        with self._path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"


def attempt_of(
    issue: IssueId, channel: str, number: int, at: datetime, fault: Exception | None, *, again: bool
) -> Attempt:
    """Return the record of an attempt.

    `fault` None is a success; `again` says whether a retry may help.
    """
    outcome, next_at = "sent", ""
    if fault is not None:
        outcome = "failed" if again and number < MOST_TRIES else "dead"
    if outcome == "failed":
        wish = timedelta(seconds=fault.retry_in_s) if isinstance(fault, SourceUnavailable) else timedelta()
        next_at = rfc3339(at + max(min(FIRST_BACK_OFF * 2 ** (number - 1), LONGEST_BACK_OFF), wish))
    reason = "" if fault is None else str(fault)[:1000]
    return Attempt(issue.report, issue.period, issue.number, channel, number, rfc3339(at), outcome, reason, next_at)


def issue_message(values: dict[str, Any], issue: IssueId, site: str, files: tuple[Path, ...]) -> IssueMessage:
    """Return an issue as a parcel, in Vietnamese like the report."""
    name = values["period_name"]["vi"]
    link = f"{site}/reports#{issue.report}/{issue}"
    again = f" (lần phát hành {issue.number})" if issue.number > 1 else ""
    mark = "[DỮ LIỆU MÔ PHỎNG] " if values["demonstration"] else ""
    texts = [block["text"]["vi"] for block in values["blocks"] if block["kind"] == "text"]
    changed = f"{len(values['changes'])} số liệu thay đổi so với lần phát hành trước." if values["changes"] else ""
    body = "\n\n".join(filter(None, [*texts, changed, link]))
    return IssueMessage(f"{issue.report}/{issue}", f"{mark}{values['title']['vi']}, {name}{again}", body, link, files)
