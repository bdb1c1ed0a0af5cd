"""Regular expressions of matchers: RE2, as in Alertmanager, in time linear in the length of the text.

A pattern is anchored at both ends. RE2 has no look-around and no back references; `\\d`, `\\w` and `\\s` mean
ASCII, and `\\pL` a letter of any language.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

MAX_PATTERN_LENGTH = 200
_MAX_MEMORY_BYTES = 4 << 20
_CODES = {
    "missing )": "pattern_unclosed_bracket",
    "unexpected )": "pattern_stray_bracket",
    "missing ]": "pattern_unclosed_set",
    "no argument for repetition operator": "pattern_repeats_nothing",
    "bad repetition operator": "pattern_repeat",
    "invalid repetition size": "pattern_repeat",
    "invalid character class range": "pattern_range",
    "invalid character class": "pattern_range",
    "invalid escape sequence": "pattern_escape",
    "trailing \\": "pattern_escape",
    "pattern too large": "pattern_too_large",
    "pattern too large - compile failed": "pattern_too_large",
}


class PatternInvalid(ValueError):
    """The text is not a pattern.

    `code` and `params` are those of the message without its `label`: `place` counts characters from 1, `part` is the
    text there.
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern."""

    text: str
    _compiled: Any

    def matches(self, text: str) -> bool:
        """Return whether the whole text matches."""
        return self._compiled.fullmatch(text.encode(errors="replace")) is not None


@lru_cache(maxsize=1024)
def compile_pattern(text: str) -> Pattern:
    """Compile a pattern; results are cached. Raises PatternInvalid."""
    if len(text) > MAX_PATTERN_LENGTH:
        raise PatternInvalid("pattern_too_long", length=len(text), limit=MAX_PATTERN_LENGTH)
    try:
        return Pattern(text, _compile(text))
    except re2.error as fault:
        raise _invalid(text, _message(fault)) from None


def _compile(text: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY_BYTES
    # Bytes, since the binding maps the offsets of a str at each match.
    return re2.compile(text.encode(errors="replace"), options)


def _message(fault: Exception) -> tuple[str, str]:
    """Return RE2's sentence and the part of the pattern that it names."""
    given = fault.args[0]
    kind, _, part = (given.decode(errors="replace") if isinstance(given, bytes) else str(given)).partition(": ")
    return kind, part


def _invalid(text: str, message: tuple[str, str]) -> PatternInvalid:
    kind, part = message
    code = _CODES.get(kind, "pattern_part")
    if code == "pattern_too_large" or (code == "pattern_repeat" and _fault_of(f"a{part}") is None):
        # A repetition that is valid by itself: its nesting in others goes too far.
        return PatternInvalid("pattern_too_large")
    if code == "pattern_unclosed_set":
        return PatternInvalid(code, place=len(text) - len(part) + 1)
    if code == "pattern_unclosed_bracket":
        return PatternInvalid(code, place=_unclosed(text))
    if code == "pattern_stray_bracket":
        return PatternInvalid(code, place=_first_end(text, lambda fault: fault[0] == kind))
    if kind == "trailing \\":
        return PatternInvalid(code, part="\\", place=len(text))
    end = _first_end(text, message.__eq__)
    return PatternInvalid(code, part=part or text, place=max(end - len(part), 0) + 1)


def _first_end(text: str, is_wanted: Callable[[tuple[str, str]], bool]) -> int:
    """Return the length of the shortest beginning of the text with such a fault."""
    faults = ((end, _fault_of(text[:end])) for end in range(1, len(text)))
    return next((end for end, fault in faults if fault is not None and is_wanted(fault)), len(text))


def _unclosed(text: str) -> int:
    """Return the position of the outermost ( without its ): no beginning of the text that includes it is a pattern."""
    sound = max((end for end in range(len(text)) if _fault_of(text[:end]) is None), default=0)
    return text.index("(", sound) + 1


def _fault_of(text: str) -> tuple[str, str] | None:
    try:
        _compile(text)
    except re2.error as fault:
        return _message(fault)
    return None
