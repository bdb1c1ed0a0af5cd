"""Read the expression of a KPI and check it against measures and case types."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from ioc.catalog.conditions import TIME_COLUMNS, ConditionInvalid, parse_condition
from ioc.catalog.formulas import FormulaInvalid, parse_formula, parts_of
from ioc.catalog.toml_table import TomlTable, nearest
from ioc.model.case import AttributeType, CaseType
from ioc.model.duration import parse_working_days
from ioc.model.kpi import (
    CaseCount,
    CaseDistinct,
    CaseRatio,
    CaseSum,
    CaseTime,
    Expression,
    Formula,
    MeasureAggregate,
)
from ioc.model.measure import MeasureKind
from ioc.model.vocabulary import Vocabulary
from ioc.model.window import Window, WindowKind

TAKES = ("count", "sum", "mean", "min", "max", "last", "rate", "stddev", "quantile", "distinct", "nowcast")
DISTINCT_COLUMNS = ("service", "channel")
TIME_TAKES = ("mean", "min", "max", "quantile")
_NOWCAST_SPAN = timedelta(hours=12)
_STATES = (WindowKind.NOW, WindowKind.ALWAYS)


@dataclass(frozen=True, slots=True)
class _Case:
    """The fields that all expressions over cases share."""

    of: str
    where: str
    at: str


def read_expression(row: TomlTable, window: Window, vocabulary: Vocabulary) -> Expression | None:
    """Read the one expression of a KPI; None when it is faulty, with the faults noted."""
    given = [field for field in EXPRESSIONS if row.has(field)]
    if len(given) != 1:
        found = ", ".join(given) if given else "none"
        row.fault("", f"A KPI has exactly one of {', '.join(EXPRESSIONS)}; this one has {found}.")
        return None
    inner = row.table(given[0])
    expression = EXPRESSIONS[given[0]](inner, window, vocabulary)
    inner.finish()
    return expression if inner.sound else None


def _aggregate(row: TomlTable, window: Window, vocabulary: Vocabulary) -> Expression:
    measure_id = row.text("measure")
    take = row.choice("take", TAKES)
    per = row.duration("per", required=take == "rate")
    q = _quantile(row, take)
    if per is not None and take != "rate":
        row.fault("per", f"`per` belongs to rate, not to {take}.")
    measure = vocabulary.measures.get(measure_id)
    if measure is None:
        if measure_id:
            hint = nearest(measure_id, vocabulary.measures)
            row.fault("measure", f"No measure is called {measure_id!r}{hint}; declare it as [[measure]].")
        return MeasureAggregate(measure_id, take, per, q)
    if take == "quantile" and not measure.quantiles:
        row.fault("take", f"Panes of {measure_id} carry no histogram; declare the measure with quantiles = true.")
    if take == "distinct" and not measure.distinct:
        row.fault("take", f"Panes of {measure_id} carry no sketch of subjects; declare it with distinct = true.")
    if take in ("sum", "rate") and measure.kind is MeasureKind.GAUGE:
        row.fault("take", f"{measure_id} is a gauge, so that its {take} has no meaning; use mean or last.")
    if take == "nowcast" and window.span != _NOWCAST_SPAN:
        row.fault("take", "A nowcast needs the means of twelve hours; give the KPI the window 12h.")
    if take == "nowcast" and measure.kind is not MeasureKind.GAUGE:
        row.fault("take", f"{measure_id} is not a gauge; a nowcast is only defined for one.")
    if window.kind is WindowKind.NOW and take != "last":
        row.fault("take", f"The window `now` has only the last value, not the {take}; use a duration such as 15m.")
    return MeasureAggregate(measure_id, take, per, q)


def _count(row: TomlTable, window: Window, vocabulary: Vocabulary) -> Expression:
    case, _ = _case(row, window, vocabulary)
    return CaseCount(case.of, case.where, case.at)


def _sum(row: TomlTable, window: Window, vocabulary: Vocabulary) -> Expression:
    case, case_type = _case(row, window, vocabulary)
    field = row.text("field")
    if case_type is not None and field and field not in case_type.attributes:
        hint = nearest(field, case_type.attributes)
        row.fault("field", f"{field!r} is not an attribute of {case.of} ({', '.join(case_type.attributes)}){hint}.")
    elif case_type is not None and case_type.attribute_types.get(field) not in (None, AttributeType.NUMBER):
        declared = case_type.attribute_types[field]
        row.fault("field", f"{field!r} is declared as a {declared} in {case.of}; only a number can be summed up.")
    return CaseSum(case.of, field, case.where, case.at)


def _distinct(row: TomlTable, window: Window, vocabulary: Vocabulary) -> Expression:
    case, case_type = _case(row, window, vocabulary)
    field = row.text("field")
    known = (*DISTINCT_COLUMNS, *(case_type.attributes if case_type else ()))
    if case_type is not None and field and field not in known:
        row.fault("field", f"{field!r} is not one of {', '.join(known)}{nearest(field, known)}.")
    return CaseDistinct(case.of, field, case.where, case.at)


def _ratio(row: TomlTable, window: Window, vocabulary: Vocabulary) -> Expression:
    case, case_type = _case(row, window, vocabulary)
    return CaseRatio(case.of, case.where, _condition(row, "over", case_type), case.at)


def _age(row: TomlTable, window: Window, vocabulary: Vocabulary) -> Expression:
    return _time(row, window, vocabulary, until="now")


def _duration(row: TomlTable, window: Window, vocabulary: Vocabulary) -> Expression:
    until = row.choice("until", (*TIME_COLUMNS, "now"))
    return _time(row, window, vocabulary, until=until)


def _time(row: TomlTable, window: Window, vocabulary: Vocabulary, *, until: str) -> Expression:
    case, _ = _case(row, window, vocabulary)
    since = row.choice("since", TIME_COLUMNS)
    take = row.choice("take", TIME_TAKES)
    per, working = _pace(row)
    q = _quantile(row, take)
    if since and since == until:
        row.fault("until", f"`since` and `until` are both {since}.")
    # Without a sound `per` the row is faulty and the expression is never used.
    return CaseTime(case.of, since, until, case.where, take, per or timedelta(hours=1), case.at, q, working)


def _pace(row: TomlTable) -> tuple[timedelta | None, bool]:
    """Return a duration; or as many days and True for a number of working days (1wd)."""
    working_days = parse_working_days(str(row.data.get("per", "")))
    if working_days is None:
        return row.duration("per", required=True), False
    row.text("per")
    return timedelta(days=working_days), True


def _formula(row: TomlTable, _window: Window, _vocabulary: Vocabulary) -> Expression:
    text = row.text("text")
    when_zero = _when_zero(row)
    parts: tuple[str, ...] = ()
    if text:
        try:
            parts = parts_of(parse_formula(text))
        except FormulaInvalid as fault:
            row.fault("text", str(fault))
        else:
            if not parts:
                row.fault("text", f"{text!r} names no KPI; a formula combines other KPIs by their ids.")
    return Formula(text, parts, when_zero)


EXPRESSIONS: dict[str, Callable[[TomlTable, Window, Vocabulary], Expression]] = {
    "aggregate": _aggregate,
    "count": _count,
    "sum": _sum,
    "distinct": _distinct,
    "ratio": _ratio,
    "age": _age,
    "duration": _duration,
    "formula": _formula,
}


def _case(row: TomlTable, window: Window, vocabulary: Vocabulary) -> tuple[_Case, CaseType | None]:
    of = row.text("of")
    case_type = vocabulary.case_types.get(of)
    if case_type is None and of:
        hint = nearest(of, vocabulary.case_types)
        row.fault("of", f"No case type is called {of!r}{hint}; declare it as [[case_type]].")
    at = row.choice("at", TIME_COLUMNS) if row.has("at") else ""
    if not row.has("at") and window.kind not in _STATES:
        row.fault("at", f"is missing; name the time that must lie in the window ({', '.join(TIME_COLUMNS)}).")
    if at and window.kind is WindowKind.NOW:
        row.fault("at", "The window `now` is about the present state; leave out `at` or use another window.")
    return _Case(of, _condition(row, "where", case_type), at), case_type


def _condition(row: TomlTable, field: str, case_type: CaseType | None) -> str:
    text = row.text(field)
    if text and case_type is not None:
        try:
            parse_condition(text, case_type)
        except ConditionInvalid as fault:
            row.fault(field, str(fault))
    return text


def _when_zero(row: TomlTable) -> float | None:
    """Return the result of a division by zero; None for no data."""
    if row.has("when_zero") and isinstance(row.data["when_zero"], str):
        row.choice("when_zero", ["no_data"])
        return None
    return row.number("when_zero")


def _quantile(row: TomlTable, take: str) -> float | None:
    if take != "quantile":
        if row.has("q"):
            row.fault("q", f"`q` belongs to quantile, not to {take or 'this'}.")
            row.number("q")
        return None
    if not row.has("q"):
        row.fault("q", "is missing; write the quantile's share, such as 0.95.")
        return None
    q = row.number("q")
    if q is not None and not 0 < q < 1:
        row.fault("q", f"is {q:g}; a quantile is between 0 and 1, such as 0.95.")
    return q
