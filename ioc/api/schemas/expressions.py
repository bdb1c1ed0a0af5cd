"""A KPI's expression as JSON: its kind, and the fields of that kind as the definition gives them."""

from dataclasses import fields
from datetime import timedelta
from typing import Any

from ioc.model.kpi import CaseCount, CaseDistinct, CaseRatio, CaseSum, CaseTime, Expression, Formula, MeasureAggregate

_KINDS: dict[type[Expression], str] = {
    MeasureAggregate: "aggregate",
    CaseCount: "count",
    CaseSum: "sum",
    CaseDistinct: "distinct",
    CaseRatio: "ratio",
    CaseTime: "time",
    Formula: "formula",
}


def expression_shape(expression: Expression) -> dict[str, Any]:
    """`kind`, then the fields of the kind that are set; lengths of time in seconds."""
    given = ((field.name, getattr(expression, field.name)) for field in fields(expression))
    return {"kind": _KINDS[type(expression)]} | {
        name: _plain(value) for name, value in given if value not in (None, "")
    }


def _plain(value: object) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return list(value) if isinstance(value, tuple) else value
