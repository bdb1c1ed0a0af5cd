"""Parse formulas over KPIs: numbers, ids of KPIs and constants (with dots), + - * / ( ), min(…), max(…), scale(…).

sum     = product { ("+" | "-") product }
product = factor { ("*" | "/") factor }
factor  = [ "-" ] ( number | id | "(" sum ")" | ("min" | "max") "(" sum { "," sum } ")" | scale )
scale   = "scale" "(" sum { "," point } ")"
point   = [ "-" ] number ":" [ "-" ] number

scale(x, 0:0, 25:50, 50:100) interpolates linearly between its points, and is constant outside them.
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from ioc.errors import TextInvalid
from ioc.messages import Message

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<id>[A-Za-z_]\w*(?:\.\w+)*)|(?P<sign>[-+*/(),:]))"
)
_MAX_DEPTH = 50


class FormulaInvalid(TextInvalid):
    """The text is not a formula; the message says where, and what was expected."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a formula."""

    value: float


@dataclass(frozen=True, slots=True)
class FormulaPart:
    """The value of another KPI, or of a constant."""

    id: str


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation: `sign` is + - * / over two operands, or min, max over one or more."""

    sign: str
    operands: tuple["Term", ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """Linear interpolation between `points` (ascending); outside them the value of the nearest one."""

    operand: "Term"
    points: tuple[tuple[float, float], ...]


Term = Number | FormulaPart | Operation | Scale


def parse_formula(text: str) -> Term:
    """Return the syntax tree of a formula. Raises FormulaInvalid."""
    return _Parser(text).whole()


def parts_of(term: Term) -> tuple[str, ...]:
    """Return the ids of the KPIs and constants in a formula, each once, in their order."""
    return tuple(dict.fromkeys(part.id for part in _terms(term) if isinstance(part, FormulaPart)))


def divisors(term: Term) -> list[Term]:
    """Return what the formula divides by, in order."""
    return [part.operands[1] for part in _terms(term) if isinstance(part, Operation) and part.sign == "/"]


def renamed(text: str, names: Mapping[str, str], kept: Collection[str] = ("min", "max", "scale")) -> str:
    """Return the formula with some ids replaced; names in `kept` before a bracket are functions, not ids."""
    return _TOKEN.sub(
        lambda match: (
            match[0]
            if match["id"] is None or (match["id"] in kept and text[match.end() :].lstrip().startswith("("))
            else match[0].replace(match["id"], names.get(match["id"], match["id"]))
        ),
        text,
    )


def _terms(term: Term) -> Iterator[Term]:
    """Yield a term and everything in it."""
    yield term
    if isinstance(term, Scale):
        yield from _terms(term.operand)
    elif isinstance(term, Operation):
        for operand in term.operands:
            yield from _terms(operand)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._depth = 0
        self._next()

    def whole(self) -> Term:
        term = self._sum()
        if self._kind:
            raise self._expected(Message("formula_operator"))
        return term

    def _next(self) -> None:
        match = _TOKEN.match(self._text, self._position)
        self._start = self._position
        if match is None:
            if self._text[self._position :].strip():
                raise FormulaInvalid(Message("formula_sign", given=self._text[self._position :].strip()[0]))
            self._kind, self._token = "", ""
        else:
            self._kind, self._token = match.lastgroup or "", match[match.lastgroup or 0]
            self._position = match.end()

    def _expected(self, what: str) -> FormulaInvalid:
        found = repr(self._token) if self._kind else Message("formula_end")
        return FormulaInvalid(
            Message("formula_expected", text=self._text, found=found, place=self._start + 1, wanted=what)
        )

    def _expect(self, sign: str) -> None:
        if self._token != sign:
            raise self._expected(repr(sign))
        self._next()

    def _sum(self) -> Term:
        term = self._product()
        while self._token in ("+", "-"):
            sign = self._token
            self._next()
            term = Operation(sign, (term, self._product()))
        return term

    def _product(self) -> Term:
        term = self._factor()
        while self._token in ("*", "/"):
            sign = self._token
            self._next()
            term = Operation(sign, (term, self._factor()))
        return term

    def _factor(self) -> Term:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise FormulaInvalid(Message("formula_deep", most=_MAX_DEPTH))
        term = self._factor_within()
        self._depth -= 1
        return term

    def _factor_within(self) -> Term:
        kind, token = self._kind, self._token
        if kind == "number":
            self._next()
            if not math.isfinite(float(token)):
                raise FormulaInvalid(Message("formula_number", given=token))
            return Number(float(token))
        if kind == "id":
            self._next()
            if token in ("min", "max") and self._token == "(":
                return Operation(token, self._arguments())
            if token == "scale" and self._token == "(":
                return self._scale()
            return FormulaPart(token)
        if token == "-":
            self._next()
            return Operation("-", (Number(0.0), self._factor()))
        if token == "(":
            self._next()
            term = self._sum()
            self._expect(")")
            return term
        raise self._expected(Message("formula_operand"))

    def _arguments(self) -> tuple[Term, ...]:
        self._expect("(")
        terms = [self._sum()]
        while self._token == ",":
            self._next()
            terms.append(self._sum())
        self._expect(")")
        return tuple(terms)

    def _scale(self) -> Term:
        self._expect("(")
        operand = self._sum()
        points: list[tuple[float, float]] = []
        while self._token == ",":
            self._next()
            x = self._signed()
            self._expect(":")
            points.append((x, self._signed()))
            if len(points) > 1 and points[-2][0] >= x:
                raise FormulaInvalid(Message("scale_order", text=self._text, given=x))
        if len(points) < 2:
            raise FormulaInvalid(Message("scale_points", text=self._text))
        self._expect(")")
        return Scale(operand, tuple(points))

    def _signed(self) -> float:
        sign = 1.0
        if self._token == "-":
            self._next()
            sign = -1.0
        if self._kind != "number":
            raise self._expected(Message("wanted_number"))
        number = sign * float(self._token)
        self._next()
        return number
