"""Read the expression of a KPI and check it against measures and case types."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from ioc.catalog.conditions import TIME_COLUMNS, ConditionInvalid, parse_condition
from ioc.catalog.formulas import FormulaInvalid, parse_formula, parts_of
from ioc.catalog.toml_table import TomlTable, closest
from ioc.messages import Message
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
        row.fault("", Message("one_expression", known=", ".join(EXPRESSIONS), given=found))
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
        row.fault("per", Message("per_of_rate", take=take))
    measure = vocabulary.measures.get(measure_id)
    if measure is None:
        if measure_id:
            hint = closest(measure_id, vocabulary.measures)
            row.fault("measure", Message("unknown_measure", given=measure_id, nearest=hint))
        return MeasureAggregate(measure_id, take, per, q)
    if take == "quantile" and not measure.quantiles:
        row.fault("take", Message("no_histogram", measure=measure_id))
    if take == "distinct" and not measure.distinct:
        row.fault("take", Message("no_sketch", measure=measure_id))
    if take in ("sum", "rate") and measure.kind is MeasureKind.GAUGE:
        row.fault("take", Message("gauge_sum", take=take, measure=measure_id))
    if take == "nowcast" and window.span != _NOWCAST_SPAN:
        row.fault("take", Message("nowcast_window"))
    if take == "nowcast" and measure.kind is not MeasureKind.GAUGE:
        row.fault("take", Message("nowcast_gauge", measure=measure_id))
    if window.kind is WindowKind.NOW and take != "last":
        row.fault("take", Message("now_only_last", take=take))
    return MeasureAggregate(measure_id, take, per, q)


def _count(row: TomlTable, window: Window, vocabulary: Vocabulary) -> Expression:
    case, _ = _case(row, window, vocabulary)
    return CaseCount(case.of, case.where, case.at)


def _sum(row: TomlTable, window: Window, vocabulary: Vocabulary) -> Expression:
    case, case_type = _case(row, window, vocabulary)
    field = row.text("field")
    if case_type is not None and field and field not in case_type.attributes:
        hint = closest(field, case_type.attributes)
        row.fault(
            "field",
            Message("no_attribute_of", given=field, case=case.of, known=", ".join(case_type.attributes), nearest=hint),
        )
    elif case_type is not None and case_type.attribute_types.get(field) not in (None, AttributeType.NUMBER):
        declared = case_type.attribute_types[field]
        row.fault("field", Message("attribute_not_number", given=field, type=declared, case=case.of))
    return CaseSum(case.of, field, case.where, case.at)


def _distinct(row: TomlTable, window: Window, vocabulary: Vocabulary) -> Expression:
    case, case_type = _case(row, window, vocabulary)
    field = row.text("field")
    known = (*DISTINCT_COLUMNS, *(case_type.attributes if case_type else ()))
    if case_type is not None and field and field not in known:
        row.fault("field", Message("none_of", known=", ".join(known), nearest=closest(field, known), given=field))
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
        row.fault("until", Message("since_until_same", given=since))
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
            row.fault("text", fault.message)
        else:
            if not parts:
                row.fault("text", Message("formula_no_kpi", given=text))
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
        hint = closest(of, vocabulary.case_types)
        row.fault("of", Message("unknown_case_type", given=of, nearest=hint))
    at = row.choice("at", TIME_COLUMNS) if row.has("at") else ""
    if not row.has("at") and window.kind not in _STATES:
        row.fault("at", Message("at_missing", known=", ".join(TIME_COLUMNS)))
    if at and window.kind is WindowKind.NOW:
        row.fault("at", Message("at_of_now"))
    return _Case(of, _condition(row, "where", case_type), at), case_type


def _condition(row: TomlTable, field: str, case_type: CaseType | None) -> str:
    text = row.text(field)
    if text and case_type is not None:
        try:
            parse_condition(text, case_type)
        except ConditionInvalid as fault:
            row.fault(field, fault.message)
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
            row.fault("q", Message("q_of_quantile", take=take or "this"))
            row.number("q")
        return None
    if not row.has("q"):
        row.fault("q", Message("q_missing"))
        return None
    q = row.number("q")
    if q is not None and not 0 < q < 1:
        row.fault("q", Message("q_range", given=q))
    return q
