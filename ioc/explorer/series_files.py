"""Series as CSV and XLSX: one row per point and unit, local times of the province."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from io import BytesIO, StringIO
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from ioc.explorer.covered_periods import CoveredPeriod
from ioc.explorer.series import UnitSeries
from ioc.model.kpi import KpiDefinition
from ioc.wire.spreadsheets import inert, text_cell

Row = tuple[datetime | None, datetime, str, str, float | None, int, float | None, str]
HEAD = ("from", "to", "unit", "name", "value", "samples", "last_year", "partial")
"""[from, to) is the period that the value covers; `partial` as in `CoveredPeriod`."""
_WIDTHS = (17, 17, 10, 34, 14, 10, 14, 10)


def rows(
    covered: Sequence[CoveredPeriod],
    found: Sequence[UnitSeries],
    last_year: Sequence[UnitSeries],
    names: Mapping[str, str],
    zone: ZoneInfo,
) -> Iterator[Row]:
    """Yield rows, points first, then units.

    `last_year` is empty, or has the same units and points.
    """
    for place, period in enumerate(covered):
        start = None if period.start is None else period.start.astimezone(zone).replace(tzinfo=None)
        end = period.end.astimezone(zone).replace(tzinfo=None)
        for which, one in enumerate(found):
            before = last_year[which].values[place] if last_year else None
            name = names.get(one.unit, "")
            yield start, end, one.unit, name, one.values[place], one.samples[place], before, period.partial


def as_csv(table: Iterator[Row]) -> bytes:
    """Return CSV in UTF-8 with the byte order mark that spreadsheets need; an empty cell where there is no value."""
    sink = StringIO()
    writer = csv.writer(sink)
    writer.writerow(HEAD)
    for row in table:
        writer.writerow([_csv_cell(cell) for cell in row])
    return sink.getvalue().encode("utf-8-sig")


def _csv_cell(cell: datetime | str | float | None) -> str | float:
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="minutes")
    return "" if cell is None else inert(cell) if isinstance(cell, str) else cell


def as_xlsx(table: Iterator[Row], definition: KpiDefinition) -> bytes:
    """Return a workbook with real numbers and times, a bold frozen header and a sheet about the KPI."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("KPI")
    sheet.freeze_panes = "A2"
    for place, width in enumerate(_WIDTHS):
        sheet.column_dimensions["ABCDEFGH"[place]].width = width
    head = []
    for text in HEAD:
        cell = WriteOnlyCell(sheet, text)
        cell.font = Font(bold=True)
        head.append(cell)
    sheet.append(head)
    figure = "#,##0" + ("." + "0" * definition.digits if definition.digits else "")
    formats = ("yyyy-mm-dd hh:mm", "yyyy-mm-dd hh:mm", "@", "@", figure, "#,##0", figure, "@")
    for row in table:
        cells = []
        for value, written in zip(row, formats, strict=True):
            cell = text_cell(sheet, value) if isinstance(value, str) else WriteOnlyCell(sheet, value)
            cell.number_format = written
            cells.append(cell)
        sheet.append(cells)
    about = book.create_sheet("About")
    for line in (
        ("KPI", definition.id),
        ("name", definition.name.get("vi", "")),
        ("unit of measure", definition.unit_of_measure),
        ("basis", definition.basis),
        ("definition", definition.version),
    ):
        about.append([text_cell(about, text) for text in line])
    sink = BytesIO()
    book.save(sink)
    return sink.getvalue()
