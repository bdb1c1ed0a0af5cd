"""Formulas over KPIs: numbers, ids of KPIs (with their dots), + - * / ( ), min(…), max(…).

sum     = product { ("+" | "-") product }
product = factor { ("*" | "/") factor }
factor  = [ "-" ] ( number | id | "(" sum ")" | ("min" | "max") "(" sum { "," sum } ")" )
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<id>[A-Za-z_]\w*(?:\.\w+)*)|(?P<sign>[-+*/(),]))"
)
_DEEPEST = 50


class FormulaInvalid(ValueError):
    """The text is no formula; says where and what was expected."""


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Part:
    """Value of another KPI."""

    id: str


@dataclass(frozen=True, slots=True)
class Operation:
    """`sign` is + - * / over two operands, or min, max over one or more."""

    sign: str
    operands: tuple["Term", ...]


Term = Number | Part | Operation


def parse_formula(text: str) -> Term:
    """Raises FormulaInvalid."""
    return _Parser(text).whole()


def parts_of(term: Term) -> tuple[str, ...]:
    """Ids of the KPIs in a formula, each once, in their order."""
    return tuple(dict.fromkeys(_ids(term)))


def _ids(term: Term) -> Iterator[str]:
    if isinstance(term, Part):
        yield term.id
    elif isinstance(term, Operation):
        for operand in term.operands:
            yield from _ids(operand)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._depth = 0
        self._next()

    def whole(self) -> Term:
        term = self._sum()
        if self._kind:
            raise self._expected("an operator")
        return term

    def _next(self) -> None:
        match = _TOKEN.match(self._text, self._place)
        self._start = self._place
        if match is None:
            if self._text[self._place :].strip():
                raise FormulaInvalid(f"{self._text[self._place :].strip()[0]!r} has no place in a formula.")
            self._kind, self._token = "", ""
        else:
            self._kind, self._token = match.lastgroup or "", match[match.lastgroup or 0]
            self._place = match.end()

    def _expected(self, what: str) -> FormulaInvalid:
        found = repr(self._token) if self._kind else "the end"
        return FormulaInvalid(f"At place {self._start + 1} of {self._text!r} stands {found}; {what} was expected.")

    def _take(self, sign: str) -> None:
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
        if self._depth > _DEEPEST:
            raise FormulaInvalid(f"The formula is nested deeper than {_DEEPEST} levels.")
        term = self._factor_within()
        self._depth -= 1
        return term

    def _factor_within(self) -> Term:
        kind, token = self._kind, self._token
        if kind == "number":
            self._next()
            if not math.isfinite(float(token)):
                raise FormulaInvalid(f"The number {token} is beyond what can be computed with.")
            return Number(float(token))
        if kind == "id":
            self._next()
            if token in ("min", "max") and self._token == "(":
                return Operation(token, self._arguments())
            return Part(token)
        if token == "-":
            self._next()
            return Operation("-", (Number(0.0), self._factor()))
        if token == "(":
            self._next()
            term = self._sum()
            self._take(")")
            return term
        raise self._expected("a number, the id of a KPI, or (")

    def _arguments(self) -> tuple[Term, ...]:
        self._take("(")
        terms = [self._sum()]
        while self._token == ",":
            self._next()
            terms.append(self._sum())
        self._take(")")
        return tuple(terms)
