"""Matchers: which alerts are meant, by their labels."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ioc.model.pattern import Pattern, PatternInvalid, compile_pattern

_TEXT = re.compile(r"^\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*$", re.DOTALL)
LABEL_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")
LONGEST_VALUE = 1_000
MOST_MATCHERS = 20


class MatcherInvalid(ValueError):
    """The text is no matcher; says what is wrong and how to mend it."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """`sign` is =, !=, =~ or !~; a label that is absent counts as empty. A pattern speaks of the whole value."""

    label: str
    sign: str
    value: str
    pattern: Pattern | None = field(default=None, compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> "Matcher":
        """`severity="high"`, `unit=~"197.*"`; quotes may be left out. Raises MatcherInvalid."""
        match = _TEXT.match(text)
        if match is None:
            raise MatcherInvalid(f'{text!r} is no matcher; write it as severity = "high" or unit =~ "197.*".')
        label, sign, value = match.groups()
        if len(value) >= 2 and value[0] == value[-1] == '"':
            value = value[1:-1].replace('\\"', '"')
        return cls.of(label, sign, value)

    @classmethod
    def of(cls, label: str, sign: str, value: str) -> "Matcher":
        """Raises MatcherInvalid."""
        if not LABEL_NAME.match(label):
            raise MatcherInvalid(f"{label!r} is no name of a label; use letters, digits and _.")
        if sign not in ("=", "!=", "=~", "!~"):
            raise MatcherInvalid(f"{sign!r} compares nothing; use =, !=, =~ or !~.")
        if len(value) > LONGEST_VALUE:
            raise MatcherInvalid(f"The value of {label} has {len(value)} signs; at most {LONGEST_VALUE} are taken.")
        try:
            return cls(label, sign, value, compile_pattern(value) if "~" in sign else None)
        except PatternInvalid as fault:
            raise MatcherInvalid(f"The pattern {value!r} of {label} cannot be used: {fault}.") from None

    def accepts(self, value: str) -> bool:
        """Of a label's value; empty when the alert has no such label."""
        same = value == self.value if self.pattern is None else self.pattern.matches(value[:LONGEST_VALUE])
        return same != (self.sign[0] == "!")

    def __str__(self) -> str:
        quoted = self.value.replace('"', '\\"')
        return f'{self.label}{self.sign}"{quoted}"'


Matchers = tuple[Matcher, ...]


def parse_matchers(texts: Iterable[str]) -> Matchers:
    """All must hold. Raises MatcherInvalid, also when there are none or when they hold for everything: nobody means
    every alert by leaving out what he means."""
    matchers = tuple(Matcher.parse(text) for text in texts)
    if not matchers:
        raise MatcherInvalid('There is no matcher; name the alerts that are meant, as rule = "pm25-high".')
    if len(matchers) > MOST_MATCHERS:
        raise MatcherInvalid(f"There are {len(matchers)} matchers; at most {MOST_MATCHERS} are taken.")
    if all(matcher.accepts("") for matcher in matchers):
        raise MatcherInvalid(
            f"{', '.join(map(str, matchers))} also holds for alerts without these labels; "
            "name a value that must be there."
        )
    return matchers


def all_accept(matchers: Matchers, labels: Mapping[str, str]) -> bool:
    return all(matcher.accepts(labels.get(matcher.label, "")) for matcher in matchers)
