"""Make a cell of an issue from a KPI, unit and period: value, earlier value, target, or why there is none."""

from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from ioc.catalog.catalog import Catalog
from ioc.model.kpi import KpiDefinition, Target
from ioc.model.unit import Unit
from ioc.reports.definition import ShownKpi
from ioc.reports.figures import Figure, Source
from ioc.reports.formatting import (
    LANGUAGES,
    MET,
    NO_TARGET,
    NOT_SPOKEN,
    as_printed,
    lack_of,
    reached,
    said,
    target_text,
)
from ioc.reports.issue_content import Cell
from ioc.reports.periods import Span, before, name_of, year_before


@dataclass(frozen=True)
class Cells:
    """The cells of one issue's period."""

    catalog: Catalog
    span: Span
    zone: ZoneInfo
    source: Source

    def row(self, shown: ShownKpi, unit: Unit, ranks: dict[str, int]) -> list[Cell]:
        kpi = self.catalog.kpis[shown.kpi]
        if unit.level not in kpi.per:
            return [Cell(None, why=NOT_SPOKEN) for _ in shown.show]
        return [self._cell(kpi, unit.code, show, ranks) for show in shown.show]

    def _cell(self, kpi: KpiDefinition, unit: str, show: str, ranks: dict[str, int]) -> Cell:
        figure = self.source.of(kpi.id, unit, self.span)
        match show:
            case "value":
                return self.figure(kpi, unit, self.span)
            case "before":
                return self.figure(kpi, unit, before(self.span, self.zone))
            case "last_year":
                return self.figure(kpi, unit, year_before(self.span, self.zone))
            case "change":
                return self.difference(kpi, unit, before(self.span, self.zone), relative=False)
            case "change_rate":
                return self.difference(kpi, unit, before(self.span, self.zone), relative=True)
            case "change_last_year":
                return self.difference(kpi, unit, year_before(self.span, self.zone), relative=False)
            case "samples":
                return Cell(float(figure.samples), 0)
        target = self.target(kpi)
        if show == "rank":
            place = ranks.get(unit)
            return Cell(float(place), 0) if place is not None else _lacking(figure, kpi)
        if target is None:
            return Cell(None, why=NO_TARGET)
        if show == "target":
            return Cell({language: target_text(target, kpi.digits, language) for language in LANGUAGES})
        return _lacking(figure, kpi) if figure.value is None else Cell(MET[reached(target, figure.value)])

    def figure(self, kpi: KpiDefinition, unit: str, span: Span) -> Cell:
        figure = self.source.of(kpi.id, unit, span)
        key = (kpi.id, unit, span.label)
        if figure.value is None:
            return replace(_lacking(figure, kpi), key=key, samples=figure.samples, origin=figure.origin.value)
        return Cell(figure.value, kpi.digits, key=key, samples=figure.samples, origin=figure.origin.value)

    def difference(self, kpi: KpiDefinition, unit: str, other: Span, *, relative: bool) -> Cell:
        now, then = self.source.of(kpi.id, unit, self.span), self.source.of(kpi.id, unit, other)
        if now.value is None:
            return _lacking(now, kpi)
        if then.value is None:
            why, _ = lack_of(then, kpi)
            name = {language: name_of(other, language, self.zone) for language in LANGUAGES}
            return Cell(None, why={language: f"{name[language]}: {why[language]}" for language in LANGUAGES})
        if not relative:
            # Of the values as they are printed: 88,42 and 88,29 differ by 0,13 for whoever reads both.
            return Cell(as_printed(now.value, kpi.digits) - as_printed(then.value, kpi.digits), kpi.digits)
        if not then.value:
            return Cell(None, why=said("kỳ trước bằng 0", "the period before was 0"))
        return Cell(100 * (now.value - then.value) / abs(then.value), 1)

    def rate(self, shown: ShownKpi, unit: Unit) -> float | None:
        """Return the change of a KPI against the period before, in %."""
        cell = self.difference(self.catalog.kpis[shown.kpi], unit.code, before(self.span, self.zone), relative=True)
        return cell.value if isinstance(cell.value, float) else None

    def target(self, kpi: KpiDefinition) -> Target | None:
        """Return the target of the year in which the period begins."""
        return kpi.target_of(self.span.start.astimezone(self.zone).year)


def _lacking(figure: Figure, kpi: KpiDefinition) -> Cell:
    why, short = lack_of(figure, kpi)
    return Cell(None, why=why, short=short)
