"""The expression of a KPI as JSON: its kind, and the fields of that kind."""

from dataclasses import fields
from datetime import timedelta
from typing import Literal, NotRequired, cast

from typing_extensions import TypedDict

from ioc.model.kpi import CaseCount, CaseDistinct, CaseRatio, CaseSum, CaseTime, Expression, Formula, MeasureAggregate

Kind = Literal["aggregate", "count", "sum", "distinct", "ratio", "time", "formula"]
_KINDS: dict[type[Expression], Kind] = {
    MeasureAggregate: "aggregate",
    CaseCount: "count",
    CaseSum: "sum",
    CaseDistinct: "distinct",
    CaseRatio: "ratio",
    CaseTime: "time",
    Formula: "formula",
}


class ExpressionShape(TypedDict):
    """What a KPI calculates. Fields of other kinds, and fields that are not set, are absent; `per` is in seconds."""

    kind: Kind
    measure: NotRequired[str]
    take: NotRequired[str]
    per: NotRequired[float]
    q: NotRequired[float]
    of: NotRequired[str]
    where: NotRequired[str]
    over: NotRequired[str]
    at: NotRequired[str]
    field: NotRequired[str]
    since: NotRequired[str]
    until: NotRequired[str]
    working: NotRequired[bool]
    text: NotRequired[str]
    parts: NotRequired[list[str]]
    constants: NotRequired[list[str]]
    when_zero: NotRequired[float]


def expression_shape(expression: Expression) -> ExpressionShape:
    """Return the kind and the fields of the kind that are set; durations become seconds."""
    values = ((field.name, getattr(expression, field.name)) for field in fields(expression))
    named = {name: _json_value(value) for name, value in values if value not in (None, "")}
    return cast(ExpressionShape, {"kind": _KINDS[type(expression)]} | named)


def _json_value(value: object) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return list(value) if isinstance(value, tuple) else value
