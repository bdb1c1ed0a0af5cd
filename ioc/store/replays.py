"""The result of a replay of a source's refused records."""

from __future__ import annotations

from dataclasses import dataclass, field

from ioc.errors import IocError
from ioc.wire.replays import ReplayResult


class ReplayNotTaken(IocError):
    """No process that runs the source has answered the request; the text says what to do."""


@dataclass
class ReplayOutcome:
    """Counts of records, and dead letters (by key) that were not accepted.

    `refused` with reason and sentence, `not_replayable` with the cause. `duplicates` of the replayed ones had already
    come again.
    """

    replayed: int = 0
    duplicates: int = 0
    refused: list[tuple[str, str, str]] = field(default_factory=list)
    not_replayable: list[tuple[str, str]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def add(self, result: ReplayResult) -> None:
        self.replayed += result.records
        self.duplicates += result.duplicates
        self.refused += [(key, reason, message) for key, reason, message in result.refused]
        self.not_replayable += [(key, why) for key, why in result.not_replayable]
        self.files += result.files
