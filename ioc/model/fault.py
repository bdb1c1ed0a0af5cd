"""Faults of the running centre: a message that says what is wrong and what to do, and since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ioc.messages import Message

Param = str | int | float


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong now; `since` is when it began (aware, UTC)."""

    message: Message
    since: datetime

    @classmethod
    def of(cls, code: str, since: datetime, **params: Param) -> Fault:
        """Make a fault with its sentence. Raises KeyError for a code without a text or a missing parameter."""
        return cls(Message(code, **params), since)

    @property
    def code(self) -> str:
        return self.message.code

    @property
    def params(self) -> Mapping[str, Any]:
        return self.message.params

    @property
    def detail(self) -> str:
        """The English sentence."""
        return str(self.message)

    def text(self, language: str) -> str:
        """Return the sentence in `vi`, or in English for any other language."""
        return self.message.text(language)
