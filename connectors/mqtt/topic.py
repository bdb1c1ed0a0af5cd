"""Topic templates: `air/{unit}/{measure}/{subject}` is a subscription, and names the levels of a topic. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LEVEL = re.compile(r"^\{([a-z_]+)\}$")


@dataclass(frozen=True)
class TopicTemplate:
    """A template. Each level is plain text, `{name}`, `+`, or `#` at the end."""

    levels: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> TopicTemplate:
        """Return the template of a text. Raises ValueError saying what is wrong, without its subject."""
        levels = tuple(text.split("/"))
        for i, level in enumerate(levels):
            if level == "#" and i < len(levels) - 1:
                raise ValueError("has '#' before its end")
            if level not in ("+", "#") and not _LEVEL.match(level) and set(level) & set("+#{}"):
                raise ValueError(f"has the level {level!r}, neither plain text nor {{name}}, '+' or '#'")
        if not text:
            raise ValueError("is empty")
        return cls(levels)

    @property
    def subscription(self) -> str:
        """The topic filter to subscribe to."""
        return "/".join("+" if _LEVEL.match(level) else level for level in self.levels)

    def named_levels(self, topic: str) -> dict[str, str] | None:
        """Return the levels of a topic by their names in the template; None for a topic of another form."""
        parts = topic.split("/")
        if self.levels[-1] == "#":
            parts = [*parts[: len(self.levels) - 1], "#"]
        if len(parts) != len(self.levels):
            return None
        named: dict[str, str] = {}
        for level, part in zip(self.levels, parts, strict=True):
            if match := _LEVEL.match(level):
                named[match[1]] = part
            elif level not in ("+", "#", part):
                return None
        return named
