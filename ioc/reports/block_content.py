"""Turn a definition and its figures into the content of an issue. Pure: figures come from a `Source`."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from ioc.catalog.catalog import Catalog
from ioc.catalog.rules import UNITS
from ioc.model.kpi import KpiDefinition
from ioc.model.unit import Unit, UnitLevel
from ioc.reports.alert_figures import AlertFigures
from ioc.reports.cells import Cells
from ioc.reports.definition import (
    AlertTable,
    Chart,
    KpiTable,
    MatrixTable,
    Paragraph,
    Report,
    ShownKpi,
    Text,
    UnitTable,
)
from ioc.reports.figures import Source
from ioc.reports.formatting import (
    LANGUAGES,
    PARTIAL,
    PROVINCE,
    SECTIONS,
    SHOWN,
    changed_in,
    measured_in,
    said,
)
from ioc.reports.issue_content import Cell, Drawing, Prose, Row, Table, TableColumn
from ioc.reports.issue_sentences import prose
from ioc.reports.kpi_periods import is_of_days
from ioc.reports.periods import Span, before
from ioc.reports.text_placeholders import kpis_of

_UNIT = said("Đơn vị", "Unit")
_KPI = said("Chỉ tiêu", "KPI")
_PART = said("Thành phần", "Part")


@dataclass(frozen=True)
class BlockBuilder:
    """Builds the content of one issue; `partial` are KPIs with data for part of the period only."""

    catalog: Catalog
    span: Span
    zone: ZoneInfo
    source: Source
    alerts: AlertFigures
    partial: Collection[str] = ()

    @property
    def _cells(self) -> Cells:
        return Cells(self.catalog, self.span, self.zone, self.source)

    def blocks(self, report: Report) -> tuple[Table | Drawing | Prose, ...]:
        found: list[Table | Drawing | Prose] = []
        for block in report.blocks:
            match block:
                case Paragraph():
                    found.append(prose(self._cells, block))
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
        columns: list[TableColumn] = []
        for shown in block.columns:
            kpi = self.catalog.kpis[shown.kpi]
            group = self._marked(kpi.id, shown.name or kpi.short_name or kpi.name)
            columns += [_column(kpi, show, group) for show in shown.show]
        ranks = {(shown.kpi, level): self._ranks(shown, level) for shown in block.columns for level in block.rows}
        rows = []
        for level in block.rows:
            for unit in self._units(level):
                cells: list[Cell] = []
                for shown in block.columns:
                    cells += self._cells.row(shown, unit, ranks[shown.kpi, level])
                name = PROVINCE if unit.level is UnitLevel.PROVINCE else self._place(unit)
                strong = unit.level is UnitLevel.PROVINCE
                rows.append(Row(name, tuple(cells), strong, {} if strong else SECTIONS[level]))
        return Table(block.id, block.title, _UNIT, tuple(columns), tuple(rows), block.notes)

    def _kpi_table(self, block: KpiTable) -> Table:
        unit = self.catalog.vocabulary.units[block.unit]
        columns = tuple(
            TableColumn(
                SHOWN[show], said("%", "%") if show == "change_rate" else {}, numeric=show not in ("met", "target")
            )
            for show in block.show
        )
        kpis = list(block.kpis)
        if block.by_change:
            kpis = [shown for shown in kpis if self._cells.rate(shown, unit) is not None]
            kpis.sort(key=lambda shown: -abs(self._cells.rate(shown, unit) or 0))
        left = kpis[: block.limit] if block.limit else kpis
        rows = [Row(self._named(shown.kpi), tuple(self._cells.row(shown, unit, {}))) for shown in left]
        return Table(block.id, block.title, _KPI, columns, tuple(rows), block.notes, len(kpis) - len(left))

    def _matrix(self, block: MatrixTable) -> Table:
        unit = self.catalog.vocabulary.units[block.unit]
        most = any(row.most is not None for row in block.rows)
        columns = [TableColumn(name, {}) for name in block.columns]
        if most:
            columns.insert(0, TableColumn(said("Điểm tối đa", "Most"), {}))
        rows = []
        for row in block.rows:
            figures = [self._cells.figure(self.catalog.kpis[kpi], unit.code, self.span) for kpi in row.kpis]
            cells = ([Cell(row.most, 0)] if most else []) + figures
            name = row.name or self.catalog.kpis[row.kpis[0]].name
            partial = next((kpi for kpi in row.kpis if kpi in self.partial), "")
            rows.append(Row(self._marked(partial, name), tuple(cells), row.strong))
        return Table(block.id, block.title, _PART, tuple(columns), tuple(rows), block.notes)

    def _ranks(self, shown: ShownKpi, level: str) -> dict[str, int]:
        """Return ranks among the units of a level that have a value; equal values share a rank."""
        if "rank" not in shown.show or level == "province":
            return {}
        kpi = self.catalog.kpis[shown.kpi]
        found = {unit.code: self.source.of(kpi.id, unit.code, self.span).value for unit in self._units(level)}
        values = {unit: value for unit, value in found.items() if value is not None}
        sign = 1 if shown.best == "low" else -1
        return {
            unit: 1 + sum(sign * other < sign * value for other in values.values()) for unit, value in values.items()
        }

    # Charts

    def _line(self, block: Chart) -> Drawing:
        kpi = self.catalog.kpis[block.kpi]
        spans = [self.span]
        while len(spans) < block.count:
            spans.insert(0, before(spans[0], self.zone))
        cells = [self._cells.figure(kpi, block.unit, span) for span in spans]
        names = [said(_short(span, self.zone), _short(span, self.zone)) for span in spans]
        return self._drawing(block, kpi, names, cells)

    def _bars(self, block: Chart) -> Drawing:
        """Return the bars, worst first, without units that have no value."""
        kpi = self.catalog.kpis[block.kpi]
        pairs = [(unit, self._cells.figure(kpi, unit.code, self.span)) for unit in self._units(block.rows)]
        sign = 1 if block.best == "high" else -1
        held = [(sign * cell.value, unit, cell) for unit, cell in pairs if isinstance(cell.value, float)]
        held.sort(key=lambda one: (one[0], one[1].code))
        chosen = held[: block.count]
        names = [said(unit.short_name or unit.name, unit.short_name or unit.name) for _, unit, _ in chosen]
        return self._drawing(block, kpi, names, [cell for *_, cell in chosen])

    def _drawing(self, block: Chart, kpi: KpiDefinition, names: Sequence[Text], cells: Sequence[Cell]) -> Drawing:
        target = self._cells.target(kpi)
        bound = None if target is None else target.at_least if target.at_least is not None else target.at_most
        title = self._marked(kpi.id, block.title)
        unit_of_measure = measured_in(kpi.unit_of_measure)
        return Drawing(block.id, title, block.kind, unit_of_measure, kpi.digits, tuple(names), tuple(cells), bound)

    # Contents

    def _units(self, level: str) -> list[Unit]:
        return [unit for unit in self.catalog.vocabulary.units.values() if unit.level is UNITS[level]]

    def _place(self, unit: Unit) -> Text:
        """Return a unit's name without the suffix that all departments share."""
        name = unit.name
        for ending in (self.catalog.province.name, self.catalog.province.name.lower()):
            name = name.removesuffix(f" {ending[:1].lower()}{ending[1:]}")
        return said(name, name)

    def _named(self, kpi_id: str) -> Text:
        kpi = self.catalog.kpis[kpi_id]
        unit = measured_in(kpi.unit_of_measure)
        names = _of_week(kpi.name) if is_of_days(kpi, self.span) else kpi.name
        return self._marked(kpi_id, {language: f"{names[language]} ({unit[language]})" for language in LANGUAGES})

    def _marked(self, kpi_id: str, name: Text) -> Text:
        if kpi_id not in self.partial:
            return name
        return {language: f"{text} {PARTIAL}" for language, text in name.items()}


def kpis_in(report: Report) -> list[str]:
    """Return all KPIs that a report names, once each."""
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


def _column(kpi: KpiDefinition, show: str, group: Text) -> TableColumn:
    if show in ("change", "change_last_year"):
        unit = changed_in(kpi.unit_of_measure)
    elif show == "change_rate":
        unit = said("%", "%")
    elif show in ("rank", "met", "samples"):
        unit = said("", "")
    else:
        unit = measured_in(kpi.unit_of_measure)
    return TableColumn(SHOWN[show], unit, group, numeric=show not in ("met", "target"))


def _of_week(name: Text) -> Text:
    """Return the name of a weekly sum, from the name of the daily count."""
    return {
        "vi": f"{name['vi'].removesuffix(' hôm nay')} trong tuần",
        "en": f"{name['en'].removesuffix(' today')} in the week",
    }


def _short(span: Span, zone: ZoneInfo) -> str:
    """Return a period's label for an axis."""
    first = span.start.astimezone(zone)
    if span.length == "month":
        return f"{first:%m/%y}"
    return span.label[2:] if span.length == "year" else span.label.split("-")[1] + f"/{first:%y}"
