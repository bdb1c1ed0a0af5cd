"""Which KPIs can be reported for which period lengths, and how."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ioc.evaluation.periods import KIND_OF, PeriodKind
from ioc.messages import Message
from ioc.model.kpi import CaseCount, CaseSum, KpiDefinition, MeasureAggregate
from ioc.model.window import WindowKind
from ioc.reports.periods import PeriodLength, Span

_MILLISECOND = timedelta(milliseconds=1)
_ORDER = (PeriodLength.WEEK, PeriodLength.MONTH, PeriodLength.QUARTER, PeriodLength.YEAR)
_LENGTH_OF = {
    WindowKind.MONTH: PeriodLength.MONTH,
    WindowKind.QUARTER: PeriodLength.QUARTER,
    WindowKind.YEAR: PeriodLength.YEAR,
}


def misfit(definition: KpiDefinition, length: PeriodLength) -> Message | None:
    """Return why a KPI cannot be in a report of this length; None when it can.

    Allowed are values at the period's end (`now`, `always`) and windows that run from the beginning of this or a
    longer period. A week takes the last seven days (`7d`) and daily counts, which add up.
    """
    window = definition.window
    if window.kind in (WindowKind.NOW, WindowKind.ALWAYS):
        return None
    if window.kind in _LENGTH_OF:
        longer = _ORDER.index(_LENGTH_OF[window.kind]) >= _ORDER.index(length)
        return None if longer else Message("misfit_shorter", window=window.kind, period=length)
    if length is PeriodLength.WEEK:
        if window.span == timedelta(days=7) or adds_up(definition):
            return None
        if window.kind is WindowKind.TODAY:
            return Message("misfit_week")
    return Message("misfit_window", window=definition.window_text, period=length)


def adds_up(definition: KpiDefinition) -> bool:
    """Return whether a KPI is a daily count or sum; those of several days add up."""
    expression = definition.expression
    if definition.window.kind is not WindowKind.TODAY:
        return False
    if isinstance(expression, CaseCount | CaseSum):
        return bool(expression.at)
    return isinstance(expression, MeasureAggregate) and expression.take in ("sum", "count")


def published_as(definition: KpiDefinition, end: datetime, zone: ZoneInfo) -> tuple[PeriodKind, datetime] | None:
    """Return kind and beginning of the KPI's own closed period that ends at `end`; None when none does."""
    kind = KIND_OF.get(definition.window.kind)
    if kind is None or definition.window.closed:
        return None
    start, _ = definition.window.bounds(end - _MILLISECOND, zone)
    after, _ = definition.window.bounds(end, zone)
    return (kind, start) if after == end else None


def is_of_days(definition: KpiDefinition, span: Span) -> bool:
    """Return whether the KPI's value of the span is the sum of its days."""
    return span.length is PeriodLength.WEEK and definition.window.kind is WindowKind.TODAY
