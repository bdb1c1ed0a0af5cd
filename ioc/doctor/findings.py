"""Findings of an examination: a message that says what is the case and what to do, and its level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ioc.messages import Message
from ioc.model.fault import Param


class FindingLevel(StrEnum):
    """`bad` needs a person; `note` is worth knowing; `good` works."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


_CODES: Mapping[FindingLevel, tuple[str, ...]] = {
    FindingLevel.GOOD: (
        "server_answers",
        "parts_work",
        "lab_answers",
        "broker_answers",
        "sources_fine",
        "ledger_balances",
        "definitions_fine",
        "files_private",
        "people_fine",
        "store_sound",
        "disk_roomy",
        "snapshot_recent",
        "archive_sound",
    ),
    FindingLevel.NOTE: (
        "no_sources",
        "source_late",
        "disk_short",
        "snapshot_absent",
    ),
    FindingLevel.BAD: (
        "server_away",
        "server_refuses",
        "lab_away",
        "broker_does_not_answer",
        "topics_absent",
        "source_troubled",
        "settings_faulty",
        "file_faulty",
        "source_file_faulty",
        "readable_by_others",
        "people_file_damaged",
        "store_file_damaged",
        "disk_nearly_full",
        "snapshot_old",
    ),
}
LEVELS: Mapping[str, FindingLevel] = {code: level for level, codes in _CODES.items() for code in codes}
"""Every code of an examination. Faults that the server reports have their own codes (`centre` in ioc/messages)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of an examination of `part`."""

    part: str
    message: Message
    level: FindingLevel

    @classmethod
    def of(cls, part: str, code: str, **params: Param) -> Finding:
        """Make a finding. Raises KeyError for an unknown code or a missing parameter."""
        return cls(part, Message(code, **params), LEVELS[code])

    @property
    def code(self) -> str:
        return self.message.code

    @property
    def params(self) -> Mapping[str, Any]:
        return self.message.params

    def text(self, language: str) -> str:
        """Return the sentence in `vi`, or in English for any other language."""
        return self.message.text(language)

    def shape(self) -> dict[str, object]:
        """Return the finding as the API and `ioc doctor --json` show it."""
        return {
            "part": self.part,
            "level": self.level.value,
            "text": {"vi": self.text("vi"), "en": self.text("en")},
            **self.message.shape(),
        }
