"""Matchers select alerts by their labels, with the syntax and meaning of Alertmanager's."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ioc.errors import TextInvalid
from ioc.messages import Message
from ioc.model.pattern import Pattern, PatternInvalid, compile_pattern

_TEXT = re.compile(r"^\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*$", re.DOTALL)
LABEL_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")
MAX_VALUE_LENGTH = 1_000
MAX_MATCHERS = 20


class MatcherInvalid(TextInvalid):
    """The text is not a matcher; the message says what is wrong and how to correct it.

    The parameter `index` of the message is that of the faulty text among several.
    """


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label.

    `sign` is =, !=, =~ or !~; an absent label counts as empty. A pattern must match the whole value.
    """

    label: str
    sign: str
    value: str
    pattern: Pattern | None = field(default=None, compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> "Matcher":
        """Parse `severity="high"` or `unit=~"197.*"`; quotes are optional. Raises MatcherInvalid."""
        match = _TEXT.match(text)
        if match is None:
            raise MatcherInvalid(Message("matcher_form", given=text))
        label, sign, value = match.groups()
        if len(value) >= 2 and value[0] == value[-1] == '"':
            value = value[1:-1].replace('\\"', '"')
        return cls.of(label, sign, value)

    @classmethod
    def of(cls, label: str, sign: str, value: str) -> "Matcher":
        """Make a matcher of its parts. Raises MatcherInvalid."""
        if not LABEL_NAME.match(label):
            raise MatcherInvalid(Message("no_label", given=label))
        if sign not in ("=", "!=", "=~", "!~"):
            raise MatcherInvalid(Message("matcher_sign", given=sign))
        if len(value) > MAX_VALUE_LENGTH:
            raise MatcherInvalid(Message("matcher_long", label=label, given=len(value), most=MAX_VALUE_LENGTH))
        try:
            return cls(label, sign, value, compile_pattern(value) if "~" in sign else None)
        except PatternInvalid as fault:
            raise MatcherInvalid(Message(fault.code, label=label, **fault.params)) from None

    def accepts(self, value: str) -> bool:
        """Return whether the matcher holds for a label with this value; empty stands for an absent label."""
        same = value == self.value if self.pattern is None else self.pattern.matches(value[:MAX_VALUE_LENGTH])
        return same != (self.sign[0] == "!")

    def __str__(self) -> str:
        quoted = self.value.replace('"', '\\"')
        return f'{self.label}{self.sign}"{quoted}"'


Matchers = tuple[Matcher, ...]


def _parse(index: int, text: str) -> Matcher:
    try:
        return Matcher.parse(text)
    except MatcherInvalid as fault:
        raise MatcherInvalid(Message(fault.message.code, **fault.message.params, index=index)) from None


def parse_matchers(texts: Iterable[str]) -> Matchers:
    """Parse matchers that must all hold.

    Raises MatcherInvalid with the `index` of the faulty text; also when there are no matchers or when they hold for
    every alert, since nobody selects every alert on purpose by leaving out a name.
    """
    matchers = tuple(_parse(index, text) for index, text in enumerate(texts))
    if not matchers:
        raise MatcherInvalid(Message("no_matcher"))
    if len(matchers) > MAX_MATCHERS:
        raise MatcherInvalid(Message("too_many_matchers", given=len(matchers), most=MAX_MATCHERS))
    if all(matcher.accepts("") for matcher in matchers):
        listed = ", ".join(map(str, matchers))
        raise MatcherInvalid(Message("matches_everything", given=listed))
    return matchers


def all_accept(matchers: Matchers, labels: Mapping[str, str]) -> bool:
    """Return whether every matcher holds for these labels."""
    return all(matcher.accepts(labels.get(matcher.label, "")) for matcher in matchers)
