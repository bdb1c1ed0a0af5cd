"""Make a KPI's vectors from aggregates: value, samples and time for each unit, the province merged from all."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ioc.catalog.formulas import Term
from ioc.evaluation.aggregate_functions import (
    NEVER,
    Amounts,
    Moments,
    Real,
    Vectors,
    Whole,
    aggregate_moments,
    aggregate_rows,
)
from ioc.evaluation.case_sql import CaseExpression, CaseSql, CaseTotals
from ioc.evaluation.formulas import compute
from ioc.evaluation.freshness import Codes, Column
from ioc.model.kpi import CaseCount, CaseDistinct, CaseRatio, CaseSum, CaseTime, Formula, MeasureAggregate, RollUp
from ioc.panes.merge import merge_rows
from ioc.panes.schema import READ, Columns


def with_province(moments: Moments) -> Moments:
    """Return the moments with the first entry of the last axis replaced by the merge of all."""

    def put(values: Amounts, merge: np.ufunc) -> Amounts:
        values = values.copy()
        values[..., 0] = merge.reduce(values, axis=-1)
        return values

    return Moments(
        put(moments.n, np.add),
        put(moments.sum, np.add),
        put(moments.sum_squares, np.add),
        put(moments.least, np.minimum),
        put(moments.most, np.maximum),
        put(moments.newest, np.maximum),
    )


def aggregate_vectors(  # noqa: PLR0913  parts of one aggregate
    expression: MeasureAggregate,
    moments: Moments,
    kind: str,
    part: Columns | None,
    units: Whole,
    *,
    passed_s: float | Real,
    newest_hour: int | Whole,
) -> Vectors:
    """Return the vectors of an aggregate.

    `part` are the rows of last, quantile, distinct and nowcast (of `kind`), `units` the entry of each row; a row may
    occur twice, such as for the province. `newest_hour`: see `aggregate_rows`.
    """
    if part is None:
        value = aggregate_moments(expression, moments, passed_s)
    else:
        key = ("unit", *READ[kind].key)
        rows = merge_rows({**part, "unit": units}, READ[kind], key)
        value = aggregate_rows(expression, rows, rows["unit"], len(moments.n), newest_hour)
    return Vectors(value, moments.n, moments.newest, moments.n > 0)


def case_vectors(
    expression: CaseExpression,
    roll_up: RollUp,
    sql: CaseSql,
    totals: CaseTotals,
    last_activity: Whole,
    reported: NDArray[np.bool_],
) -> Vectors:
    """Return the vectors of a KPI over cases.

    Their time is the unit's newest change of the case type. A unit of `reported` without any case that counts has 0;
    for another unit has no count.
    """
    n, amount, as_of = totals.n, totals.amount, last_activity
    if roll_up is RollUp.MERGE:
        n, amount, as_of = n.copy(), amount.copy(), as_of.copy()
        has_amount = amount[np.isfinite(amount)]
        fold = {"min": np.min, "max": np.max}.get(sql.fold, np.sum)
        amount[0] = totals.merged if not sql.additive else fold(has_amount) if len(has_amount) else np.nan
        n[0] = n.sum()
        as_of[0] = as_of.max(initial=NEVER)
        reported = reported.copy()
        reported[0] = as_of[0] != NEVER
    return case_values(expression, n, amount, as_of, reported)


def case_values(
    expression: CaseExpression, n: Whole, amount: Real, last_activity: Whole, known: NDArray[np.bool_]
) -> Vectors:
    """Return vectors from totals of samples and amounts, and the newest change; `known` says where no case means 0."""
    some = np.where(n > 0, n, np.nan)
    match expression:
        case CaseCount():
            return Vectors(n.astype(np.float64), n, last_activity, known)
        case CaseSum() | CaseDistinct():
            return Vectors(np.where(n > 0, amount, 0.0), n, last_activity, known)
        case CaseRatio():
            return Vectors(100 * amount / some, n, last_activity, n > 0)
        case CaseTime(take="mean"):
            return Vectors(amount / some, n, last_activity, n > 0)
    return Vectors(np.where(n > 0, amount, np.nan), n, last_activity, n > 0)


def formula_vectors(
    term: Term, formula: Formula, columns: Mapping[str, Column], constants: Mapping[str, Real]
) -> tuple[Vectors, Codes]:
    """Return the vectors of a formula over other KPIs' columns and its constants, and the state of the worst part.

    The samples are the fewest of any part, the time is that of the stalest part.
    """
    of = [columns[part] for part in formula.parts]
    value = compute(term, {part: columns[part].value for part in formula.parts} | dict(constants), formula.when_zero)
    worst = np.minimum.reduce([column.state for column in of])
    as_of = np.minimum.reduce([column.as_of for column in of])
    samples = np.minimum.reduce([column.samples for column in of])
    return Vectors(value, samples, as_of, worst > 0), worst
