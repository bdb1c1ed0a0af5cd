"""Regular expressions in linear time: no pattern can hold up the centre.

    pattern = branch { "|" branch };  branch = { atom [ "*" | "+" | "?" | "{m}" | "{m,n}" ] }
    atom = "(" pattern ")" | "[" [ "^" ] ranges "]" | "." | "\\" (d | w | s | any sign) | any other sign

A pattern speaks of the whole text. It becomes a network of states that is walked in step with the text, all ways at
once (Thompson), so that the cost is at most the length of the pattern times that of the text.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

LONGEST_PATTERN = 200
_MOST_REPEATS = 100
_MOST_STATES = 5_000
_DEEPEST = 30

Accepts = Callable[[str], bool]
_CLASSES: dict[str, Accepts] = {
    "d": lambda sign: sign.isascii() and sign.isdigit(),
    "w": lambda sign: sign.isalnum() or sign == "_",
    "s": str.isspace,
}


class PatternInvalid(ValueError):
    """The text is no pattern; says what is wrong."""


@dataclass(slots=True)
class _State:
    """Goes to `next` by a sign that it `accepts`, or, without one, to `next` at no cost."""

    accepts: Accepts | None = None
    next: list["_State"] = field(default_factory=list)


@dataclass(frozen=True)
class Pattern:
    """A pattern ready for use."""

    text: str
    _start: _State
    _end: _State

    def matches(self, text: str) -> bool:
        """The whole of the text is as the pattern says."""
        current = _reached([self._start])
        for sign in text:
            current = _reached(
                [
                    after
                    for state in current
                    if state.accepts is not None and state.accepts(sign)
                    for after in state.next
                ]
            )
            if not current:
                return False
        return any(state is self._end for state in current)


def _reached(states: list[_State]) -> list[_State]:
    """With all that costs nothing from there."""
    seen: dict[int, _State] = {}
    waiting = states
    while waiting:
        state = waiting.pop()
        if id(state) not in seen:
            seen[id(state)] = state
            if state.accepts is None:
                waiting.extend(state.next)
    return list(seen.values())


@lru_cache(maxsize=1024)
def compile_pattern(text: str) -> Pattern:
    """Raises PatternInvalid."""
    if len(text) > LONGEST_PATTERN:
        raise PatternInvalid(f"the pattern has {len(text)} signs; at most {LONGEST_PATTERN} are taken")
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text, self._place, self._depth, self._states = text, 0, 0, 0

    def whole(self) -> Pattern:
        start, end = self._choice()
        if self._place < len(self._text):
            raise PatternInvalid(f"{self._text[self._place]!r} at place {self._place + 1} closes nothing")
        return Pattern(self._text, start, end)

    def _state(self, accepts: Accepts | None = None) -> _State:
        self._states += 1
        if self._states > _MOST_STATES:
            raise PatternInvalid("the pattern repeats too much")
        return _State(accepts)

    def _peek(self) -> str:
        return self._text[self._place : self._place + 1]

    def _choice(self) -> tuple[_State, _State]:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise PatternInvalid("brackets are nested too deep")
        start, end = self._state(), self._state()
        while True:
            first, last = self._branch()
            start.next.append(first)
            last.next.append(end)
            if self._peek() != "|":
                break
            self._place += 1
        self._depth -= 1
        return start, end

    def _branch(self) -> tuple[_State, _State]:
        start = end = self._state()
        while self._peek() not in ("", "|", ")"):
            begin = self._place
            first, last = self._atom()
            least, most = self._repeats()
            after = self._place
            copies = [(first, last)]
            for _ in range(max(least, most or least, 1) - 1):
                self._place = begin
                copies.append(self._atom())
            self._place = after
            out = self._state()
            for number, (one, other) in enumerate(copies):
                if number >= least:
                    end.next.append(out)
                end.next.append(one)
                end = self._state()
                other.next.append(end)
                if most is None and number == len(copies) - 1:
                    end.next.append(one)
            end.next.append(out)
            end = out
        return start, end

    def _repeats(self) -> tuple[int, int | None]:
        """Least and most, None for no bound."""
        sign = self._peek()
        if sign in ("*", "+", "?"):
            self._place += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        if sign != "{":
            return 1, 1
        inner, closed, _ = self._text[self._place + 1 :].partition("}")
        least, comma, most = inner.partition(",")
        if not closed or not least.isdecimal() or (most and not most.isdecimal()) or (comma and not most):
            raise PatternInvalid(f"{{{inner} is no count; write {{2}} or {{2,5}}")
        low, high = int(least), int(most or least)
        if high > _MOST_REPEATS or low > high or high == 0:
            raise PatternInvalid(f"{{{inner}}} is no count from 1 to {_MOST_REPEATS}")
        self._place += len(inner) + 2
        return low, high

    def _atom(self) -> tuple[_State, _State]:
        sign = self._peek()
        self._place += 1
        if sign == "(":
            if self._text.startswith("?", self._place):
                raise PatternInvalid("(?…) is not known; use plain brackets")
            inner = self._choice()
            if self._peek() != ")":
                raise PatternInvalid("a bracket ( is not closed")
            self._place += 1
            return inner
        if sign in "*+?{":
            raise PatternInvalid(f"{sign!r} at place {self._place} repeats nothing")
        if sign == "[":
            accepts = self._set()
        elif sign == "\\":
            accepts = self._escaped()
        elif sign == ".":
            accepts = _anything
        else:
            accepts = sign.__eq__
        start, end = self._state(accepts), self._state()
        start.next.append(end)
        return start, end

    def _escaped(self) -> Accepts:
        sign = self._peek()
        self._place += 1
        if not sign:
            raise PatternInvalid("the pattern ends with \\")
        if sign in _CLASSES:
            return _CLASSES[sign]
        if sign.isalnum():
            raise PatternInvalid(f"\\{sign} is not known; there are \\d, \\w, \\s")
        return sign.__eq__

    def _set(self) -> Accepts:
        body, closed, _ = self._text[self._place :].partition("]")
        if not closed or body in ("", "^"):
            raise PatternInvalid("a set [ is empty or not closed")
        self._place += len(body) + 1
        negated = body.startswith("^")
        signs = body[negated:]
        ranges: list[tuple[str, str]] = []
        place = 0
        while place < len(signs):
            low = high = signs[place]
            if signs[place + 1 : place + 2] == "-" and place + 2 < len(signs):
                high = signs[place + 2]
                place += 2
            if low > high:
                raise PatternInvalid(f"the range {low}-{high} runs backwards")
            ranges.append((low, high))
            place += 1
        return lambda sign: any(low <= sign <= high for low, high in ranges) != negated


def _anything(_sign: str) -> bool:
    return True
