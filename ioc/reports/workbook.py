"""An issue as XLSX: real numbers and dates, frozen headers, A4 set-up, native charts; corrections come first."""

from datetime import datetime
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from ioc.reports.causes import cause_text
from ioc.reports.formatting import DASH
from ioc.reports.issue_content import Cell, Correction, Drawing, Issue, Prose, Table
from ioc.wire.spreadsheets import make_texts_inert

SIMULATED = "DỮ LIỆU MÔ PHỎNG"
TIME_FORMAT = "dd/mm/yyyy hh:mm"
_TITLE, _STRONG, _DIM = Font(bold=True, size=14), Font(bold=True), Font(color="5B6B78", italic=True)
_HEAD = PatternFill("solid", fgColor="E3EAF2")
_SUM = PatternFill("solid", fgColor="F4F6F8")
_LINE = Border(bottom=Side("thin", color="C7D0D8"))
_WRAPPED = Alignment(wrap_text=True, vertical="center", horizontal="center")
_NAME_WIDTH, _WIDTH = 44, 13
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", " "))


def workbook(issue: Issue, language: str, zone: ZoneInfo) -> bytes:
    """Return the file's bytes."""
    book = Workbook()
    first = book.active
    assert isinstance(first, Worksheet)
    first.title = "Tóm tắt" if language == "vi" else "Summary"
    _front(first, issue, language, zone)
    names: set[str] = {first.title}
    for block in issue.blocks:
        if isinstance(block, Table):
            _table(book.create_sheet(_sheet_name(block.title[language], names)), block, issue, language)
    charts = [block for block in issue.blocks if isinstance(block, Drawing)]
    if charts:
        _charts(book.create_sheet(_sheet_name("Biểu đồ" if language == "vi" else "Charts", names)), charts, language)
    _sources(
        book.create_sheet(_sheet_name("Nguồn số liệu" if language == "vi" else "Sources", names)), issue, language, zone
    )
    for sheet in book.worksheets:
        _around(sheet, issue, language)
    sink = BytesIO()
    make_texts_inert(book)
    book.save(sink)
    return sink.getvalue()


def _around(sheet: Worksheet, issue: Issue, language: str) -> None:
    """Set the header and footer of each printed page."""
    footer, header = sheet.oddFooter, sheet.oddHeader
    assert footer is not None
    assert header is not None
    foot, left, right = footer.center, header.left, header.right
    assert foot is not None
    assert left is not None
    assert right is not None
    foot.text = "Trang &P/&N" if language == "vi" else "Page &P/&N"
    left.text = f"IOC {issue.province}"
    if issue.demonstration:
        right.text = SIMULATED


def number_format(digits: int) -> str:
    """Return a number format; Excel applies the reader's separators, such as 1.234,5 in Vietnamese."""
    return "#,##0" + ("." + "0" * digits if digits else "")


def _front(sheet: Worksheet, issue: Issue, language: str, zone: ZoneInfo) -> None:
    vietnamese = language == "vi"
    sheet.append([issue.title[language]])
    sheet["A1"].font = _TITLE
    if issue.demonstration:
        sheet.append([SIMULATED])
    facts: list[tuple[str, Any]] = [
        ("Đơn vị" if vietnamese else "Province", issue.province),
        ("Kỳ báo cáo" if vietnamese else "Period", issue.period_name[language]),
        ("Lần phát hành" if vietnamese else "Issue", issue.number),
        ("Số liệu lúc" if vietnamese else "Data of", _local(issue.taken_at, zone)),
        ("Lập lúc" if vietnamese else "Made at", _local(issue.made_at, zone)),
        ("Người lập" if vietnamese else "Made by", issue.made_by),
        ("Căn cứ" if vietnamese else "Basis", issue.basis or DASH),
    ]
    for name, value in facts:
        sheet.append([name, value])
        if isinstance(value, datetime):
            sheet.cell(sheet.max_row, 2).number_format = TIME_FORMAT
        sheet.cell(sheet.max_row, 2).alignment = Alignment(horizontal="left", wrap_text=True, vertical="top")
    if issue.replaces is not None:
        said = f"Thay lần phát hành {issue.replaces}" if vietnamese else f"Replaces issue {issue.replaces}"
        _corrections(sheet, said, issue.changes, language, zone)
        if not issue.changes:
            sheet.append(["Không số liệu nào thay đổi." if vietnamese else "No figure differs."])
    if issue.restated:
        said = "Số liệu đã công bố được điều chỉnh từ lần lập trước" if vietnamese else "Restated since the last issue"
        _corrections(sheet, said, issue.restated, language, zone)
    for block in issue.blocks:
        if isinstance(block, Prose):
            sheet.append([])
            sheet.append([block.text[language]])
            place = sheet.max_row
            sheet.merge_cells(start_row=place, start_column=1, end_row=place, end_column=7)
            sheet.cell(place, 1).alignment = Alignment(wrap_text=True, vertical="top")
            sheet.row_dimensions[place].height = 16 * (1 + len(block.text[language]) // 110)
    sheet.append([])
    for note in issue.notes:
        sheet.append([note[language]])
        sheet.cell(sheet.max_row, 1).font = _DIM
    _widths(sheet, [30, 40, 18, 14, 14, 30, 18])
    _print(sheet, landscape=False)


def _corrections(sheet: Worksheet, title: str, listed: tuple[Correction, ...], language: str, zone: ZoneInfo) -> None:
    vietnamese = language == "vi"
    sheet.append([])
    sheet.append([title])
    sheet.cell(sheet.max_row, 1).font = _STRONG
    if not listed:
        return
    sheet.append(
        ["Chỉ tiêu", "Đơn vị", "Kỳ", "Trước", "Sau", "Vì sao", "Lúc"]
        if vietnamese
        else ["KPI", "Unit", "Period", "Before", "After", "Why", "When"]
    )
    _head(sheet, sheet.max_row, 7)
    for one in listed:
        when = _local(one.at, zone) if one.at else DASH
        values = [DASH if value is None else value for value in (one.before, one.after)]
        sheet.append(
            [one.kpi_name[language], one.unit_name, one.period_name[language], *values, cause_text(one, language), when]
        )
        for column in (4, 5):
            sheet.cell(sheet.max_row, column).number_format = number_format(one.digits)
        sheet.cell(sheet.max_row, 7).number_format = TIME_FORMAT


def _table(sheet: Worksheet, table: Table, issue: Issue, language: str) -> None:
    sheet.append([table.title[language]])
    sheet["A1"].font = _TITLE
    sheet.append(
        [f"{issue.province} · {issue.period_name[language]}" + (f" · {SIMULATED}" if issue.demonstration else "")]
    )
    grouped = any(column.group for column in table.columns)
    top = 3
    if grouped:
        sheet.append(["", *(column.group.get(language, "") for column in table.columns)])
        _merge_groups(sheet, table, language)
        _head(sheet, top, len(table.columns) + 1)
    sheet.append([table.first[language], *(_heading(column, language) for column in table.columns)])
    head = sheet.max_row
    _head(sheet, head, len(table.columns) + 1)
    section = ""
    for row in table.rows:
        if row.section and row.section[language] != section:
            section = row.section[language]
            sheet.append([section])
            sheet.cell(sheet.max_row, 1).font = _STRONG
        sheet.append([row.name[language], *(_plain(cell, language) for cell in row.cells)])
        place = sheet.max_row
        for column, shown in enumerate(row.cells, 2):
            written = sheet.cell(place, column)
            written.border = _LINE
            written.alignment = Alignment(horizontal="right" if table.columns[column - 2].numeric else "left")
            if isinstance(shown.value, float):
                written.number_format = number_format(shown.digits)
        for column in range(1, len(row.cells) + 2):
            if row.strong:
                strong = sheet.cell(place, column)
                strong.font, strong.fill = _STRONG, _SUM
    _below(sheet, table, language)
    sheet.freeze_panes = f"B{head + 1}"
    sheet.print_title_rows = f"{top}:{head}"
    _widths(sheet, [_NAME_WIDTH, *(_WIDTH if column.numeric else 20 for column in table.columns)])
    _print(sheet, landscape=len(table.columns) > 6)


def _below(sheet: Worksheet, table: Table, language: str) -> None:
    notes = [note[language] for note in table.notes]
    if table.left_out:
        more = f"… và {table.left_out} dòng khác." if language == "vi" else f"… and {table.left_out} more."
        notes.insert(0, more)
    if not table.rows:
        notes.insert(0, "Không có." if language == "vi" else "None.")
    for note in notes:
        sheet.append([note])
        sheet.cell(sheet.max_row, 1).font = _DIM


def _charts(sheet: Worksheet, charts: list[Drawing], language: str) -> None:
    """Add the charts, each with its numbers on the left."""
    place = 1
    for drawing in charts:
        sheet.cell(place, 1, drawing.title[language]).font = _STRONG
        head = place + 1
        sheet.cell(head, 1, "Kỳ" if drawing.shape == "line" else "Đơn vị")
        sheet.cell(head, 2, drawing.unit_of_measure[language])
        if drawing.target is not None:
            sheet.cell(head, 3, "Mục tiêu" if language == "vi" else "Target")
        for row, (name, cell) in enumerate(zip(drawing.names, drawing.cells, strict=True), head + 1):
            sheet.cell(row, 1, name[language])
            if isinstance(cell.value, float):
                at = sheet.cell(row, 2, cell.value)
                at.number_format = number_format(drawing.digits)
            if drawing.target is not None:
                sheet.cell(row, 3, drawing.target)
        last = head + len(drawing.cells)
        chart: LineChart | BarChart = LineChart() if drawing.shape == "line" else BarChart()
        if isinstance(chart, BarChart):
            chart.type, chart.barDir = "bar", "bar"
            chart.y_axis.scaling.min = 0
        wide = 3 if drawing.target is not None and drawing.shape == "line" else 2
        chart.add_data(Reference(sheet, min_col=2, max_col=wide, min_row=head, max_row=last), titles_from_data=True)
        chart.set_categories(Reference(sheet, min_col=1, min_row=head + 1, max_row=last))
        chart.title = drawing.title[language]
        chart.height, chart.width = 8, 18
        chart.x_axis.delete = chart.y_axis.delete = False
        sheet.add_chart(chart, f"E{place}")
        place = max(last, place + 17) + 2
    _widths(sheet, [32, 14, 12])
    _print(sheet, landscape=True)


def _sources(sheet: Worksheet, issue: Issue, language: str, zone: ZoneInfo) -> None:
    sheet.append(["Nguồn" if language == "vi" else "Source", "Dữ liệu cuối" if language == "vi" else "Last data"])
    _head(sheet, 1, 2)
    for fed in issue.sources:
        sheet.append([fed.source, _local(fed.last_at, zone)])
        sheet.cell(sheet.max_row, 2).number_format = TIME_FORMAT
    sheet.freeze_panes = "A2"
    _widths(sheet, [40, 20])
    _print(sheet, landscape=False)


def _plain(cell: Cell, language: str) -> str | float:
    """Return a cell's content; a dash carries its reason."""
    if cell.value is None:
        return f"{DASH} ({cell.short or cell.why.get(language, '')})"
    return cell.value if isinstance(cell.value, float) else cell.value[language]


def _heading(column: Any, language: str) -> str:
    unit = column.unit_of_measure.get(language, "")
    name: str = column.name[language]
    return f"{name} ({unit})" if unit else name


def _merge_groups(sheet: Worksheet, table: Table, language: str) -> None:
    row, start = sheet.max_row, 0
    names = [column.group.get(language, "") for column in table.columns]
    for place in range(1, len(names) + 1):
        if place == len(names) or names[place] != names[start]:
            if place - start > 1:
                sheet.merge_cells(start_row=row, start_column=start + 2, end_row=row, end_column=place + 1)
            start = place


def _head(sheet: Worksheet, row: int, columns: int) -> None:
    for column in range(1, columns + 1):
        cell = sheet.cell(row, column)
        cell.font, cell.fill, cell.alignment = _STRONG, _HEAD, _WRAPPED


def _widths(sheet: Worksheet, widths: list[int]) -> None:
    for column, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width


def _print(sheet: Worksheet, *, landscape: bool) -> None:
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.orientation = "landscape" if landscape else "portrait"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _local(text: str, zone: ZoneInfo) -> datetime:
    """Return a time on the province's clock; Excel has no time zones."""
    return datetime.fromisoformat(text).astimezone(zone).replace(tzinfo=None, microsecond=0)


def _sheet_name(title: str, taken: set[str]) -> str:
    """Return a unique sheet name of at most 31 characters."""
    name = title.translate(_FORBIDDEN)[:31].strip()
    number = 1
    while name in taken:
        number += 1
        name = f"{name[:28]} {number}"
    taken.add(name)
    return name
