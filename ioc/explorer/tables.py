"""Series as tables for people: CSV and XLSX, one row a point and unit, times of the province."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from io import BytesIO, StringIO
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from ioc.explorer.series import UnitSeries
from ioc.model.kpi import KpiDefinition

Row = tuple[datetime, str, str, float | None, int, float | None]
HEAD = ("time", "unit", "name", "value", "samples", "last_year")
_WIDTHS = (17, 10, 34, 14, 10, 14)


def rows(
    times: Sequence[datetime],
    found: Sequence[UnitSeries],
    last_year: Sequence[UnitSeries],
    names: Mapping[str, str],
    zone: ZoneInfo,
) -> Iterator[Row]:
    """Times first. `last_year` is empty, or has the same units and points."""
    for place, time in enumerate(times):
        local = time.astimezone(zone).replace(tzinfo=None)
        for which, one in enumerate(found):
            before = last_year[which].values[place] if last_year else None
            yield local, one.unit, names.get(one.unit, ""), one.values[place], one.samples[place], before


def as_csv(table: Iterator[Row]) -> bytes:
    """UTF-8 with the mark that spreadsheets want, an empty cell where there is no value."""
    sink = StringIO()
    writer = csv.writer(sink)
    writer.writerow(HEAD)
    for time, *rest in table:
        writer.writerow([time.isoformat(sep=" ", timespec="minutes"), *("" if cell is None else cell for cell in rest)])
    return sink.getvalue().encode("utf-8-sig")


def as_xlsx(table: Iterator[Row], definition: KpiDefinition) -> bytes:
    """Real numbers and times, head in bold and frozen."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("KPI")
    sheet.freeze_panes = "A2"
    for place, width in enumerate(_WIDTHS):
        sheet.column_dimensions["ABCDEF"[place]].width = width
    head = []
    for text in HEAD:
        cell = WriteOnlyCell(sheet, text)
        cell.font = Font(bold=True)
        head.append(cell)
    sheet.append(head)
    figure = "#,##0" + ("." + "0" * definition.digits if definition.digits else "")
    formats = ("yyyy-mm-dd hh:mm", "@", "@", figure, "#,##0", figure)
    for row in table:
        cells = []
        for value, written in zip(row, formats, strict=True):
            cell = WriteOnlyCell(sheet, value)
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
        about.append(line)
    sink = BytesIO()
    book.save(sink)
    return sink.getvalue()
