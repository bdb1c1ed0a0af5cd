"""Sending issues: who was sent what, each try on record, one line of JSON a try in `<data>/reports/sendings.ndjson`."""

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
class Parcel:
    """An issue as it goes out: `files` for channels that take them, `link` for the others. `id` is the same however
    often it is sent."""

    id: str
    subject: str
    body: str
    link: str
    files: tuple[Path, ...]


Send = Callable[[str, Parcel], None]
"""By a channel's id. Raises SourceUnavailable when another try may help, another IocError when not."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """`outcome` is sent, failed (tried again at `next_at`) or dead; times are RFC 3339."""

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
    """The record. One process appends; a line that a kill cut off is passed over."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def of(self, issue: IssueId) -> list[Attempt]:
        """The earliest first."""
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
        """Issue, channel and number of the try, of what was neither sent nor given up and whose time has come."""
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
    """What came of a try: `fault` None is a success, `again` says whether another try may help."""
    outcome, next_at = "sent", ""
    if fault is not None:
        outcome = "failed" if again and number < MOST_TRIES else "dead"
    if outcome == "failed":
        wish = timedelta(seconds=fault.retry_in_s) if isinstance(fault, SourceUnavailable) else timedelta()
        next_at = rfc3339(at + max(min(FIRST_BACK_OFF * 2 ** (number - 1), LONGEST_BACK_OFF), wish))
    reason = "" if fault is None else str(fault)[:1000]
    return Attempt(issue.report, issue.period, issue.number, channel, number, rfc3339(at), outcome, reason, next_at)


def parcel_of(values: dict[str, Any], issue: IssueId, site: str, files: tuple[Path, ...]) -> Parcel:
    """In Vietnamese, as the report is."""
    name = values["period_name"]["vi"]
    link = f"{site}/reports#{issue.report}/{issue}"
    again = f" (lần phát hành {issue.number})" if issue.number > 1 else ""
    mark = "[DỮ LIỆU MÔ PHỎNG] " if values["demonstration"] else ""
    texts = [block["text"]["vi"] for block in values["blocks"] if block["kind"] == "text"]
    changed = f"{len(values['changes'])} số liệu thay đổi so với lần phát hành trước." if values["changes"] else ""
    body = "\n\n".join(filter(None, [*texts, changed, link]))
    return Parcel(f"{issue.report}/{issue}", f"{mark}{values['title']['vi']}, {name}{again}", body, link, files)
