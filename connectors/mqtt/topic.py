"""Topic templates: `air/{unit}/{measure}/{subject}` is a subscription, and names the words of a topic. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LEVEL = re.compile(r"^\{([a-z_]+)\}$")


@dataclass(frozen=True)
class TopicTemplate:
    """Each level is a word, `{name}`, `+`, or `#` at the end."""

    levels: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> TopicTemplate:
        """Raises ValueError with a sentence."""
        levels = tuple(text.split("/"))
        for i, level in enumerate(levels):
            if level == "#" and i < len(levels) - 1:
                raise ValueError("has '#' before its end")
            if level not in ("+", "#") and not _LEVEL.match(level) and set(level) & set("+#{}"):
                raise ValueError(f"has the level {level!r}, neither a word nor {{name}}, '+' or '#'")
        if not text:
            raise ValueError("is empty")
        return cls(levels)

    @property
    def subscription(self) -> str:
        return "/".join("+" if _LEVEL.match(level) else level for level in self.levels)

    def words(self, topic: str) -> dict[str, str] | None:
        """What stands at the names, None for a topic of another form."""
        given = topic.split("/")
        if self.levels[-1] == "#":
            given = [*given[: len(self.levels) - 1], "#"]
        if len(given) != len(self.levels):
            return None
        words: dict[str, str] = {}
        for level, word in zip(self.levels, given, strict=True):
            if match := _LEVEL.match(level):
                words[match[1]] = word
            elif level not in ("+", "#", word):
                return None
        return words
