"""Alert figures and alert lists of a period.

The figures equal those of `/api/v1/alerts/audit` for the same period.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from ioc.alerts.audit import (
    MAX_FLOOD_SHARE,
    MAX_PER_DAY,
    MAX_PER_WINDOW,
    PRIORITY_MIX,
    Audit,
    audit,
)
from ioc.catalog.catalog import Catalog
from ioc.clock import to_ms
from ioc.model.rule import SEVERITY_NAMES, Severity
from ioc.reports.definition import AlertTable, Text
from ioc.reports.formatting import LANGUAGES, clock, number, said
from ioc.reports.issue_content import Cell, Row, Table, TableColumn
from ioc.reports.periods import Span
from ioc.store.alerting import AlertStore
from ioc.store.times import aware, naive

_FIGURE = said("Chỉ số", "Figure")
_RULE = said("Quy tắc", "Rule")
_ALERT = said("Cảnh báo", "Alert")
_NONE = said("không có cảnh báo nào", "there were no alerts")
_NONE_TAKEN = said("không cảnh báo nào được xác nhận", "no alert was acknowledged")
MOST_IN_A_WINDOW = 10.0
FIGURES: dict[str, Text] = {
    "alerts": said("Số cảnh báo", "Alerts"),
    "per_day": said("Cảnh báo một ngày, mỗi người trực", "Alerts a day for one operator"),
    "per_window": said("Cảnh báo mười phút, mỗi người trực", "Alerts in ten minutes for one operator"),
    "busiest_window": said("Mười phút nhiều nhất, mỗi người trực", "Busiest ten minutes for one operator"),
    "floods": said("Số lần lũ cảnh báo", "Alarm floods"),
    "flood_share": said("Thời gian trong lũ cảnh báo (%)", "Time in floods (%)"),
    "chattering": said("Cảnh báo chập chờn (từ 3 lần một phút)", "Chattering alerts (3 a minute or more)"),
    "stale": said("Cảnh báo kéo dài hơn 24 giờ", "Stale alerts (more than 24 h)"),
    "mix.critical": said("Tỷ trọng mức nghiêm trọng (%)", "Share of critical ones (%)"),
    "mix.high": said("Tỷ trọng mức cao (%)", "Share of high ones (%)"),
    "mix.lower": said("Tỷ trọng mức trung bình, thấp (%)", "Share of lower ones (%)"),
    "answer.median_s": said("Thời gian đến khi xác nhận, trung vị (phút)", "Time to acknowledgement, median (min)"),
    "answer.p90_s": said(
        "Thời gian đến khi xác nhận, phân vị 90 (phút)", "Time to acknowledgement, 90 % of them (min)"
    ),
    "answer.open": said("Cảnh báo không ai xác nhận", "Alerts that nobody acknowledged"),
}
_SHAPES = {"critical": "◆", "high": "▲", "medium": "■", "low": "●"}
SEVERITIES: dict[str, Text] = {
    word: said(f"{shape} {SEVERITY_NAMES['vi'][word]}", f"{shape} {SEVERITY_NAMES['en'][word]}")
    for word, shape in _SHAPES.items()
}


@dataclass(frozen=True)
class SnapshotStore:
    """Gives a snapshot the interface that the alert store expects."""

    path: Path
    connection: duckdb.DuckDBPyConnection

    def cursor(self) -> duckdb.DuckDBPyConnection:
        return self.connection.cursor()


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert that fired; `ended_at` is None while it lasts."""

    rule: str
    unit: str
    severity: str
    fired_at: datetime
    ended_at: datetime | None
    acknowledged_at: datetime | None


@dataclass(frozen=True)
class AlertFigures:
    """Alert figures of a snapshot.

    `rules` are names by id; a deleted rule is named by its id.
    """

    store: AlertStore
    catalog: Catalog
    rules: Mapping[str, Text]
    zone: ZoneInfo

    def table(self, block: AlertTable, span: Span) -> Table:
        match block.of:
            case "audit":
                return self._audit(block, span)
            case "top":
                return self._top(block, span)
        return self._listed(block, span)

    def any_in(self, span: Span) -> bool:
        """Return whether an alert fired or lasted in the period."""
        return bool(self._alerts(span))

    def found(self, span: Span, operators: int) -> Audit:
        rows = self.store.select(
            "SELECT alert, date_trunc('millisecond', min(done_at)) AS at FROM alert_acts "
            "WHERE act = 'acknowledge' GROUP BY alert"
        )
        # Cut to milliseconds, as in the API's times.
        held = {row["alert"]: to_ms(row["at"].replace(tzinfo=UTC)) for row in rows}
        moved = self.store.transitions(span.start, span.end)
        return audit(moved, held, operators, to_ms(span.start), to_ms(span.end))

    def _audit(self, block: AlertTable, span: Span) -> Table:
        found = self.found(span, block.operators)
        mix = found.mix

        def share(name: str) -> Cell:
            return Cell(100 * mix[name], 1) if mix else Cell(None, why=_NONE)

        def minutes(seconds: float | None) -> Cell:
            return Cell(None, why=_NONE_TAKEN) if seconds is None else Cell(seconds / 60, 1)

        most = {
            "per_day": MAX_PER_DAY,
            "per_window": MAX_PER_WINDOW,
            "busiest_window": MOST_IN_A_WINDOW,
            "flood_share": 100 * MAX_FLOOD_SHARE,
            "chattering": 0.0,
            "stale": 0.0,
        }
        figures = {
            "alerts": Cell(float(found.alerts)),
            "per_day": Cell(found.per_day, 1),
            "per_window": Cell(found.per_window, 2),
            "busiest_window": Cell(found.busiest_window, 1),
            "floods": Cell(float(len(found.floods))),
            "flood_share": Cell(100 * found.flood_share, 2),
            "chattering": Cell(float(len(found.chattering))),
            "stale": Cell(float(len(found.stale))),
            **{f"mix.{name}": share(name) for name in PRIORITY_MIX},
            "answer.median_s": minutes(found.answer.median_s),
            "answer.p90_s": minutes(found.answer.p90_s),
            "answer.open": Cell(float(found.answer.open)),
        }
        columns = (
            TableColumn(said("Kỳ này", "This period"), {}),
            TableColumn(said("Mức nên có", "Goal"), {}, numeric=False),
            TableColumn(said("Kết quả", "Met"), {}, numeric=False),
        )
        rows = []
        for key, cell in figures.items():
            goal, met = said("", ""), said("", "")
            if key in most and isinstance(cell.value, float):
                goal, met = _goal(most[key], cell.value)
            elif key.startswith("mix."):
                goal = dict.fromkeys(LANGUAGES, f"{100 * PRIORITY_MIX[key.removeprefix('mix.')]:.0f} %")
            keyed = _keyed(cell, key, self.catalog.province.code, span)
            rows.append(Row(FIGURES[key], (keyed, Cell(goal), Cell(met))))
        return Table(block.id, block.title, _FIGURE, columns, tuple(rows), block.notes)

    def _top(self, block: AlertTable, span: Span) -> Table:
        found = self.found(span, block.operators)
        rows = tuple(
            Row(
                self._rule(source.rule),
                (Cell(self._unit(source.unit)), Cell(float(source.alerts)), Cell(100 * source.share, 1)),
            )
            for source in found.top[: block.limit]
        )
        columns = (
            TableColumn(said("Đơn vị", "Unit"), {}, numeric=False),
            TableColumn(said("Số lần", "Alerts"), {}),
            TableColumn(said("Tỷ trọng", "Share"), said("%", "%")),
        )
        return Table(block.id, block.title, _RULE, columns, rows, block.notes)

    def _listed(self, block: AlertTable, span: Span) -> Table:
        """Return the table of alerts, the most severe first, then the longest."""
        rows = self._alerts(span)
        if block.of == "standing":
            rows = [row for row in rows if row.ended_at is None or row.ended_at >= span.end]
        order = [severity.value for severity in Severity]
        rows.sort(key=lambda row: (order.index(row.severity), -_lasted(row, span).total_seconds(), row.rule, row.unit))
        shown = rows[: block.limit]
        columns = (
            TableColumn(said("Mức", "Severity"), {}, numeric=False),
            TableColumn(said("Đơn vị", "Unit"), {}, numeric=False),
            TableColumn(said("Từ lúc", "Since"), {}, numeric=False),
            TableColumn(said("Kéo dài (giờ)", "Lasted (h)"), {}),
            TableColumn(said("Xác nhận", "Acknowledged"), {}, numeric=False),
        )
        table = tuple(
            Row(
                self._rule(row.rule),
                (
                    Cell(SEVERITIES[row.severity]),
                    Cell(self._unit(row.unit)),
                    Cell(self._time(row.fired_at)),
                    Cell(_lasted(row, span) / timedelta(hours=1), 1),
                    Cell(self._time(row.acknowledged_at))
                    if row.acknowledged_at is not None
                    else Cell(None, why=said("chưa ai xác nhận", "nobody acknowledged it")),
                ),
            )
            for row in shown
        )
        return Table(block.id, block.title, _ALERT, columns, table, block.notes, len(rows) - len(shown))

    def _alerts(self, span: Span) -> list[AlertRow]:
        """Return alerts that fired before the period's end and had not ended at its start."""
        rows = self.store.select(
            "SELECT rule, unit, severity, fired_at, ended_at, acknowledged_at FROM alerts "
            "WHERE fired_at < ? AND (ended_at IS NULL OR ended_at > ?)",
            [naive(span.end), naive(span.start)],
        )
        return [
            AlertRow(
                row["rule"],
                row["unit"],
                row["severity"],
                aware(row["fired_at"]),
                _aware(row["ended_at"]),
                _aware(row["acknowledged_at"]),
            )
            for row in rows
        ]

    def _rule(self, rule: str) -> Text:
        return self.rules.get(rule, said(rule, rule))

    def _unit(self, code: str) -> Text:
        unit = self.catalog.vocabulary.units.get(code)
        return said(unit.name, unit.name) if unit else said(code, code)

    def _time(self, moment: datetime) -> Text:
        return dict.fromkeys(LANGUAGES, clock(moment, self.zone))


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else aware(moment)


def _lasted(row: AlertRow, span: Span) -> timedelta:
    """Return the duration up to the period's end."""
    return min(row.ended_at or span.end, span.end) - row.fired_at


def _goal(most: float, found: float) -> tuple[Text, Text]:
    bound = {language: f"≤ {number(most, 0, language)}" for language in LANGUAGES}
    return bound, said("Đạt", "Met") if found <= most else said("Chưa đạt", "Not met")


def _keyed(cell: Cell, key: str, province: str, span: Span) -> Cell:
    return Cell(cell.value, cell.digits, cell.why, (f"alerts.audit:{key}", province, span.label), origin="audit")
