"""From a definition and figures to what an issue says. Pure: whatever it speaks of it asks of a `Source`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from ioc.catalog.catalog import Catalog
from ioc.catalog.rules import UNITS
from ioc.model.kpi import KpiDefinition, Target
from ioc.model.unit import Unit, UnitLevel
from ioc.reports.alerting import AlertFigures
from ioc.reports.content import Cell, Column, Drawing, Prose, Row, Table
from ioc.reports.definition import AlertTable, Chart, KpiTable, MatrixTable, Paragraph, Report, Shown, Text, UnitTable
from ioc.reports.figures import Figure, Source
from ioc.reports.periods import Span, before, name_of, year_before
from ioc.reports.sentences import filled, kpis_of
from ioc.reports.windows import is_of_days
from ioc.reports.words import (
    DASH,
    LANGUAGES,
    MET,
    NO_TARGET,
    NOT_SPOKEN,
    PROVINCE,
    SECTIONS,
    SHOWN,
    changed_in,
    lack_of,
    measured_in,
    number,
    reached,
    said,
    target_text,
    with_unit,
)

_UNIT = said("Đơn vị", "Unit")
_KPI = said("Chỉ tiêu", "KPI")
_PART = said("Thành phần", "Part")


@dataclass(frozen=True)
class Filling:
    """One issue's figures of one period."""

    catalog: Catalog
    span: Span
    zone: ZoneInfo
    source: Source
    alerts: AlertFigures

    def blocks(self, report: Report) -> tuple[Table | Drawing | Prose, ...]:
        found: list[Table | Drawing | Prose] = []
        for block in report.blocks:
            match block:
                case Paragraph():
                    found.append(self._prose(block))
                case Chart():
                    found.append(self._line(block) if block.kind == "line" else self._bars(block))
                case UnitTable():
                    found.append(self._unit_table(block))
                case KpiTable():
                    found.append(self._kpi_table(block))
                case MatrixTable():
                    found.append(self._matrix(block))
                case AlertTable():
                    found.append(self.alerts.table(block, self.span))
        return tuple(found)

    # Tables

    def _unit_table(self, block: UnitTable) -> Table:
        columns: list[Column] = []
        for shown in block.columns:
            kpi = self.catalog.kpis[shown.kpi]
            group = shown.name or kpi.short_name or kpi.name
            columns += [_column(kpi, show, group) for show in shown.show]
        ranks = {(shown.kpi, level): self._ranks(shown, level) for shown in block.columns for level in block.rows}
        rows = []
        for level in block.rows:
            for unit in self._units(level):
                cells: list[Cell] = []
                for shown in block.columns:
                    cells += self._cells(shown, unit, ranks[shown.kpi, level])
                name = PROVINCE if unit.level is UnitLevel.PROVINCE else self._place(unit)
                strong = unit.level is UnitLevel.PROVINCE
                rows.append(Row(name, tuple(cells), strong, {} if strong else SECTIONS[level]))
        return Table(block.id, block.title, _UNIT, tuple(columns), tuple(rows), block.notes)

    def _kpi_table(self, block: KpiTable) -> Table:
        unit = self.catalog.vocabulary.units[block.unit]
        columns = tuple(Column(SHOWN[show], {}, numeric=show not in ("met", "target")) for show in block.show)
        kpis = list(block.kpis)
        if block.by_change:
            kpis = [shown for shown in kpis if self._rate(shown, unit) is not None]
            kpis.sort(key=lambda shown: -abs(self._rate(shown, unit) or 0))
        left = kpis[: block.limit] if block.limit else kpis
        rows = [Row(self._named(shown.kpi), tuple(self._cells(shown, unit, {}))) for shown in left]
        return Table(block.id, block.title, _KPI, columns, tuple(rows), block.notes, len(kpis) - len(left))

    def _matrix(self, block: MatrixTable) -> Table:
        unit = self.catalog.vocabulary.units[block.unit]
        most = any(row.most is not None for row in block.rows)
        columns = [Column(name, {}) for name in block.columns]
        if most:
            columns.insert(0, Column(said("Điểm tối đa", "Most"), {}))
        rows = []
        for row in block.rows:
            figures = [self._figure_cell(self.catalog.kpis[kpi], unit.code, self.span) for kpi in row.kpis]
            cells = ([Cell(row.most, 0)] if most else []) + figures
            rows.append(Row(row.name or self.catalog.kpis[row.kpis[0]].name, tuple(cells), row.strong))
        return Table(block.id, block.title, _PART, tuple(columns), tuple(rows), block.notes)

    # Cells

    def _cells(self, shown: Shown, unit: Unit, ranks: dict[str, int]) -> list[Cell]:
        kpi = self.catalog.kpis[shown.kpi]
        if unit.level not in kpi.per:
            return [Cell(None, why=NOT_SPOKEN) for _ in shown.show]
        return [self._cell(kpi, unit.code, show, ranks) for show in shown.show]

    def _cell(self, kpi: KpiDefinition, unit: str, show: str, ranks: dict[str, int]) -> Cell:
        figure = self.source.of(kpi.id, unit, self.span)
        match show:
            case "value":
                return self._figure_cell(kpi, unit, self.span)
            case "before":
                return self._figure_cell(kpi, unit, before(self.span, self.zone))
            case "last_year":
                return self._figure_cell(kpi, unit, year_before(self.span, self.zone))
            case "change":
                return self._difference(kpi, unit, before(self.span, self.zone), relative=False)
            case "change_rate":
                return self._difference(kpi, unit, before(self.span, self.zone), relative=True)
            case "change_last_year":
                return self._difference(kpi, unit, year_before(self.span, self.zone), relative=False)
            case "samples":
                return Cell(float(figure.samples), 0)
        target = self._target(kpi)
        if show == "rank":
            place = ranks.get(unit)
            return Cell(float(place), 0) if place is not None else _lacking(figure, kpi)
        if target is None:
            return Cell(None, why=NO_TARGET)
        if show == "target":
            return Cell({language: target_text(target, kpi.digits, language) for language in LANGUAGES})
        return _lacking(figure, kpi) if figure.value is None else Cell(MET[reached(target, figure.value)])

    def _figure_cell(self, kpi: KpiDefinition, unit: str, span: Span) -> Cell:
        figure = self.source.of(kpi.id, unit, span)
        key = (kpi.id, unit, span.label)
        if figure.value is None:
            return replace(_lacking(figure, kpi), key=key, samples=figure.samples, origin=figure.origin.value)
        return Cell(figure.value, kpi.digits, key=key, samples=figure.samples, origin=figure.origin.value)

    def _difference(self, kpi: KpiDefinition, unit: str, other: Span, *, relative: bool) -> Cell:
        now, then = self.source.of(kpi.id, unit, self.span), self.source.of(kpi.id, unit, other)
        if now.value is None:
            return _lacking(now, kpi)
        if then.value is None:
            why, _ = lack_of(then, kpi)
            name = {language: name_of(other, language, self.zone) for language in LANGUAGES}
            return Cell(None, why={language: f"{name[language]}: {why[language]}" for language in LANGUAGES})
        if not relative:
            return Cell(now.value - then.value, kpi.digits)
        if not then.value:
            return Cell(None, why=said("kỳ trước bằng 0", "the period before was 0"))
        return Cell(100 * (now.value - then.value) / abs(then.value), 1)

    def _rate(self, shown: Shown, unit: Unit) -> float | None:
        """How much a KPI changed against the period before, %."""
        cell = self._difference(self.catalog.kpis[shown.kpi], unit.code, before(self.span, self.zone), relative=True)
        return cell.value if isinstance(cell.value, float) else None

    def _ranks(self, shown: Shown, level: str) -> dict[str, int]:
        """Places among the units of a level that have a value; the same value has the same place."""
        if "rank" not in shown.show or level == "province":
            return {}
        kpi = self.catalog.kpis[shown.kpi]
        found = {unit.code: self.source.of(kpi.id, unit.code, self.span).value for unit in self._units(level)}
        values = {unit: value for unit, value in found.items() if value is not None}
        sign = 1 if shown.best == "low" else -1
        return {
            unit: 1 + sum(sign * other < sign * value for other in values.values()) for unit, value in values.items()
        }

    # Charts and texts

    def _line(self, block: Chart) -> Drawing:
        kpi = self.catalog.kpis[block.kpi]
        spans = [self.span]
        while len(spans) < block.count:
            spans.insert(0, before(spans[0], self.zone))
        cells = [self._figure_cell(kpi, block.unit, span) for span in spans]
        names = [said(_short(span, self.zone), _short(span, self.zone)) for span in spans]
        return self._drawing(block, kpi, names, cells)

    def _bars(self, block: Chart) -> Drawing:
        """The least good ones first; of units without a value nothing is drawn."""
        kpi = self.catalog.kpis[block.kpi]
        pairs = [(unit, self._figure_cell(kpi, unit.code, self.span)) for unit in self._units(block.rows)]
        sign = 1 if block.best == "high" else -1
        held = [(sign * cell.value, unit, cell) for unit, cell in pairs if isinstance(cell.value, float)]
        held.sort(key=lambda one: (one[0], one[1].code))
        chosen = held[: block.count]
        names = [said(unit.short_name or unit.name, unit.short_name or unit.name) for _, unit, _ in chosen]
        return self._drawing(block, kpi, names, [cell for *_, cell in chosen])

    def _drawing(self, block: Chart, kpi: KpiDefinition, names: Sequence[Text], cells: Sequence[Cell]) -> Drawing:
        target = self._target(kpi)
        bound = None if target is None else target.at_least if target.at_least is not None else target.at_most
        return Drawing(
            block.id, block.title, block.kind, measured_in(kpi.unit_of_measure), kpi.digits, tuple(names), tuple(cells),
            bound,
        )  # fmt: skip

    def _prose(self, block: Paragraph) -> Prose:
        return Prose(block.id, block.title, {language: self._sentence(block, language) for language in LANGUAGES})

    def _sentence(self, block: Paragraph, language: str) -> str:
        words = {
            "period": name_of(self.span, language, self.zone),
            "period_before": name_of(before(self.span, self.zone), language, self.zone),
            "province": self.catalog.province.name,
        }
        return filled(block.text[language], words, lambda kpi, mode: self._in_words(kpi, mode, language))

    def _in_words(self, kpi_id: str, mode: str, language: str) -> str:
        kpi, unit = self.catalog.kpis[kpi_id], self.catalog.province.code
        figure = self.source.of(kpi_id, unit, self.span)
        if mode in ("change", "last_year"):
            other = before(self.span, self.zone) if mode == "change" else year_before(self.span, self.zone)
            return _moved(kpi, self._difference(kpi, unit, other, relative=False), language)
        if figure.value is None:
            return f"{DASH} ({lack_of(figure, kpi)[0][language]})"
        if mode == "value":
            return with_unit(number(figure.value, kpi.digits, language), measured_in(kpi.unit_of_measure)[language])
        target = self._target(kpi)
        if target is None:
            return NO_TARGET[language]
        bound = with_unit(target_text(target, kpi.digits, language), measured_in(kpi.unit_of_measure)[language])
        met = reached(target, figure.value)
        if language == "vi":
            return f"{'đạt' if met else 'chưa đạt'} mục tiêu {bound}"
        return f"{'meets' if met else 'misses'} the target {bound}"

    # What there is

    def _units(self, level: str) -> list[Unit]:
        return [unit for unit in self.catalog.vocabulary.units.values() if unit.level is UNITS[level]]

    def _place(self, unit: Unit) -> Text:
        """What every department's name ends with is left out."""
        name = unit.name
        for ending in (self.catalog.province.name, self.catalog.province.name.lower()):
            name = name.removesuffix(f" {ending[:1].lower()}{ending[1:]}")
        return said(name, name)

    def _target(self, kpi: KpiDefinition) -> Target | None:
        """Of the year in which the period begins."""
        return kpi.target_of(self.span.start.astimezone(self.zone).year)

    def _named(self, kpi_id: str) -> Text:
        kpi = self.catalog.kpis[kpi_id]
        unit = measured_in(kpi.unit_of_measure)
        names = _of_week(kpi.name) if is_of_days(kpi, self.span) else kpi.name
        return {language: f"{names[language]} ({unit[language]})" for language in LANGUAGES}


def kpis_in(report: Report) -> list[str]:
    """All that a report names, once each."""
    found: list[str] = []
    for block in report.blocks:
        found += _kpis_of(block)
    return list(dict.fromkeys(found))


def _kpis_of(block: object) -> Iterable[str]:
    match block:
        case UnitTable():
            return [shown.kpi for shown in block.columns]
        case KpiTable():
            return [shown.kpi for shown in block.kpis]
        case MatrixTable():
            return [kpi for row in block.rows for kpi in row.kpis]
        case Chart():
            return [block.kpi]
        case Paragraph():
            return [kpi for text in block.text.values() for kpi in kpis_of(text)]
    return []


def _column(kpi: KpiDefinition, show: str, group: Text) -> Column:
    if show in ("change", "change_last_year"):
        unit = changed_in(kpi.unit_of_measure)
    elif show == "change_rate":
        unit = said("%", "%")
    elif show in ("rank", "met", "samples"):
        unit = said("", "")
    else:
        unit = measured_in(kpi.unit_of_measure)
    return Column(SHOWN[show], unit, group, numeric=show not in ("met", "target"))


def _of_week(name: Text) -> Text:
    """The name of a day's count, for the sum of a week's days."""
    return {
        "vi": f"{name['vi'].removesuffix(' hôm nay')} trong tuần",
        "en": f"{name['en'].removesuffix(' today')} in the week",
    }


def _lacking(figure: Figure, kpi: KpiDefinition) -> Cell:
    why, short = lack_of(figure, kpi)
    return Cell(None, why=why, short=short)


def _moved(kpi: KpiDefinition, cell: Cell, language: str) -> str:
    if not isinstance(cell.value, float):
        return f"{DASH} ({cell.why[language]})"
    size = with_unit(number(abs(cell.value), kpi.digits, language), changed_in(kpi.unit_of_measure)[language])
    if not round(cell.value, kpi.digits):
        return "không đổi" if language == "vi" else "unchanged"
    up = cell.value > 0
    return f"{('tăng' if up else 'giảm') if language == 'vi' else ('up' if up else 'down')} {size}"


def _short(span: Span, zone: ZoneInfo) -> str:
    """For an axis."""
    first = span.start.astimezone(zone)
    if span.length == "month":
        return f"{first:%m/%y}"
    return span.label[2:] if span.length == "year" else span.label.split("-")[1] + f"/{first:%y}"
