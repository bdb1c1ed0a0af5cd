"""An issue as the PDF template prints it: every number already formatted in the language."""

from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from ioc.reports.causes import cause_text
from ioc.reports.formatting import DASH, SHOWN, clock, number, signed
from ioc.reports.issue_content import Cell, Correction, Drawing, Issue, Prose, Table, TableColumn
from ioc.reports.svg_charts import svg
from ioc.reports.workbook import SIMULATED

Json = dict[str, Any]
_FLIPPED_ABOVE = 7
_MOST_CORRECTIONS = 40
_SIGNED = tuple(SHOWN[show]["vi"] for show in ("change", "change_rate", "change_last_year"))


def printed(issue: Issue, language: str, zone: ZoneInfo) -> Json:
    """Return the input of ioc/reports/report.typ."""
    vietnamese = language == "vi"
    taken, made = (clock(datetime.fromisoformat(text), zone) for text in (issue.taken_at, issue.made_at))
    period = issue.period_name[language]
    basis = f" · {'Căn cứ' if vietnamese else 'Basis'}: {issue.basis}" if issue.basis else ""
    number_word = f"lần phát hành {issue.number}" if vietnamese else f"issue {issue.number}"
    subtitle = f"{issue.province} · {_capital(period)} · {number_word}{basis}"
    return {
        "language": language,
        "title": issue.title[language],
        "subtitle": subtitle,
        "province": issue.province,
        "head": f"IOC {issue.province} · {issue.title[language]}",
        "simulated": SIMULATED if issue.demonstration else "",
        "foot": f"Số liệu lúc {taken}, lập lúc {made}" if vietnamese else f"Data of {taken}, made at {made}",
        "page": "Trang" if vietnamese else "Page",
        "front": _front(issue, language, zone),
        "blocks": [_block(block, language, one_page=issue.one_page) for block in issue.blocks],
        "notes": [note[language] for note in issue.notes],
        "sources": _sources(issue, language, zone),
    }


def shown(cell: Cell, column: TableColumn | None, language: str) -> Json:
    """Return a cell as printed; `small` next to a dash gives the samples and how many are required."""
    if cell.value is None:
        return {"text": DASH, "small": cell.short}
    if not isinstance(cell.value, float):
        return {"text": cell.value[language], "small": ""}
    written = signed if column is not None and column.name.get("vi") in _SIGNED else number
    return {"text": written(cell.value, cell.digits, language), "small": ""}


def _front(issue: Issue, language: str, zone: ZoneInfo) -> list[Json]:
    """Return the first block: what changed."""
    vietnamese = language == "vi"
    front: list[Json] = []
    if issue.replaces is not None:
        title = f"Thay lần phát hành {issue.replaces}" if vietnamese else f"Replaces issue {issue.replaces}"
        if issue.changes:
            front.append(_corrections(title, issue.changes, language, zone))
        else:
            same = "Không số liệu nào thay đổi." if vietnamese else "No figure differs."
            front.append({"kind": "text", "title": title, "text": same, "flipped": False})
    if issue.restated and not issue.changes:
        title = (
            "Số liệu đã công bố được điều chỉnh từ lần lập trước"
            if vietnamese
            else "Published figures restated since the last issue"
        )
        front.append(_corrections(title, issue.restated, language, zone))
    return front


def _corrections(title: str, listed: tuple[Correction, ...], language: str, zone: ZoneInfo) -> Json:
    vietnamese = language == "vi"
    rows = []
    for one in listed[:_MOST_CORRECTIONS]:
        values = [DASH if value is None else number(value, one.digits, language) for value in (one.before, one.after)]
        when = clock(datetime.fromisoformat(one.at), zone) if one.at else DASH
        texts = [one.unit_name, one.period_name[language], *values, cause_text(one, language), when]
        cells = [{"text": text, "small": ""} for text in texts]
        rows.append({"name": one.kpi_name[language], "strong": False, "section": "", "cells": cells})
    heads = (
        ["Đơn vị", "Kỳ", "Trước", "Sau", "Vì sao", "Lúc"]
        if vietnamese
        else ["Unit", "Period", "Before", "After", "Why", "When"]
    )
    more = len(listed) - len(rows)
    left = f"… và {more} số liệu khác, xem tệp XLSX." if vietnamese else f"… and {more} more, see the XLSX."
    return {
        "kind": "table", "title": title, "first": "Chỉ tiêu" if vietnamese else "KPI", "heads": heads, "groups": [],
        "head_rows": 1, "numeric": [False, False, True, True, False, False],
        "rows": rows, "notes": [left] if more else [], "flipped": False,
    }  # fmt: skip


def _block(block: Table | Drawing | Prose, language: str, *, one_page: bool) -> Json:
    if isinstance(block, Prose):
        return {
            "kind": "text",
            "title": block.title.get(language, ""),
            "text": _capital(block.text[language]),
            "flipped": False,
        }
    if isinstance(block, Drawing):
        return {"kind": "chart", "title": block.title[language], "svg": svg(block, language), "flipped": False}
    return _table(block, language, flipped=len(block.columns) > _FLIPPED_ABOVE and not one_page)


def _table(table: Table, language: str, *, flipped: bool) -> Json:
    groups = [
        {"name": name, "span": len(list(some))}
        for name, some in groupby(table.columns, lambda column: column.group.get(language, ""))
    ]
    grouped = any(group["name"] for group in groups)
    rows, section = [], ""
    for row in table.rows:
        here = row.section.get(language, "")
        cells = [shown(cell, column, language) for cell, column in zip(row.cells, table.columns, strict=True)]
        title = here if here != section else ""
        rows.append({"name": row.name[language], "strong": row.strong, "section": title, "cells": cells})
        section = here
    return {
        "kind": "table",
        "title": table.title[language],
        "first": table.first[language],
        "groups": groups if grouped else [],
        "head_rows": 2 if grouped else 1,
        "heads": [_heading(column, language) for column in table.columns],
        "numeric": [column.numeric for column in table.columns],
        "rows": rows,
        "notes": _notes(table, language),
        "flipped": flipped,
    }


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _heading(column: TableColumn, language: str) -> str:
    unit = column.unit_of_measure.get(language, "")
    return f"{column.name[language]} ({unit})" if unit else column.name[language]


def _notes(table: Table, language: str) -> list[str]:
    """Return what the dashes of the table mean, once each."""
    vietnamese = language == "vi"
    notes = []
    if not table.rows:
        notes.append("Không có." if vietnamese else "None.")
    if table.left_out:
        notes.append(f"… và {table.left_out} dòng khác." if vietnamese else f"… and {table.left_out} more.")
    lacking = [cell for row in table.rows for cell in row.cells if cell.value is None]
    if any(cell.short for cell in lacking):
        notes.append(
            f"{DASH} 7/20: chưa đủ mẫu, có 7 trên ít nhất 20."
            if vietnamese
            else f"{DASH} 7/20: too few samples, 7 of at least 20."
        )
    reasons = dict.fromkeys(cell.why.get(language, "") for cell in lacking if not cell.short)
    if reasons:
        notes.append(f"{DASH}: {'; '.join(filter(None, reasons))}.")
    return [*notes, *(note[language] for note in table.notes)]


def _sources(issue: Issue, language: str, zone: ZoneInfo) -> str:
    if not issue.sources:
        return ""
    named = [f"{fed.source} ({clock(datetime.fromisoformat(fed.last_at), zone)})" for fed in issue.sources]
    word = "Nguồn (dữ liệu cuối)" if language == "vi" else "Sources (last data)"
    return f"{word}: {', '.join(named)}."
