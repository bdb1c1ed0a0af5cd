"""Sentences of an issue with their figures."""

from ioc.model.kpi import KpiDefinition
from ioc.reports.cells import Cells
from ioc.reports.definition import Paragraph
from ioc.reports.formatting import (
    DASH,
    LANGUAGES,
    NO_TARGET,
    changed_in,
    lack_of,
    measured_in,
    number,
    reached,
    target_text,
    with_unit,
)
from ioc.reports.issue_content import Cell, Prose
from ioc.reports.periods import before, name_of, year_before
from ioc.reports.text_placeholders import filled


def prose(cells: Cells, block: Paragraph) -> Prose:
    return Prose(block.id, block.title, {language: _sentence(cells, block, language) for language in LANGUAGES})


def _sentence(cells: Cells, block: Paragraph, language: str) -> str:
    words = {
        "period": name_of(cells.span, language, cells.zone),
        "period_before": name_of(before(cells.span, cells.zone), language, cells.zone),
        "province": cells.catalog.province.name,
    }
    return filled(block.text[language], words, lambda kpi, mode: _in_words(cells, kpi, mode, language))


def _in_words(cells: Cells, kpi_id: str, mode: str, language: str) -> str:
    kpi, unit = cells.catalog.kpis[kpi_id], cells.catalog.province.code
    figure = cells.source.of(kpi_id, unit, cells.span)
    if mode in ("change", "last_year"):
        other = before(cells.span, cells.zone) if mode == "change" else year_before(cells.span, cells.zone)
        return _moved(kpi, cells.difference(kpi, unit, other, relative=False), language)
    if figure.value is None:
        return f"{DASH} ({lack_of(figure, kpi)[0][language]})"
    if mode == "value":
        return with_unit(number(figure.value, kpi.digits, language), measured_in(kpi.unit_of_measure)[language])
    target = cells.target(kpi)
    if target is None:
        return NO_TARGET[language]
    bound = with_unit(target_text(target, kpi.digits, language), measured_in(kpi.unit_of_measure)[language])
    met = reached(target, figure.value)
    if language == "vi":
        return f"{'đạt' if met else 'chưa đạt'} mục tiêu {bound}"
    return f"{'meets' if met else 'misses'} the target {bound}"


def _moved(kpi: KpiDefinition, cell: Cell, language: str) -> str:
    if not isinstance(cell.value, float):
        return f"{DASH} ({cell.why[language]})"
    size = with_unit(number(abs(cell.value), kpi.digits, language), changed_in(kpi.unit_of_measure)[language])
    if not round(cell.value, kpi.digits):
        return "không đổi" if language == "vi" else "unchanged"
    up = cell.value > 0
    return f"{('tăng' if up else 'giảm') if language == 'vi' else ('up' if up else 'down')} {size}"
