"""Explain a value: the constants, sources, cases and panes that it is made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ioc.catalog import Catalog
from ioc.clock import from_ms
from ioc.evaluation.affected_periods import kpi_inputs
from ioc.evaluation.case_sql import CaseExpression, CaseSql
from ioc.evaluation.case_versions import Moment, Targets, held_cases, merged_targets
from ioc.evaluation.pane_reader import PaneReader, split_by_level
from ioc.evaluation.pane_windows import minute_of
from ioc.model.kpi import (
    Constant,
    ConstantValue,
    Formula,
    KpiDefinition,
    KpiValue,
    MeasureAggregate,
    RollUp,
)
from ioc.panes.schema import READ
from ioc.store.times import aware, naive

MAX_GROUPS = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BY_SUBJECT = replace(READ["panes"], key=("subject",))
_CASE = "case_id, unit, status, channel, service, received_at, due_at, closed_at, updated_at"


@dataclass(frozen=True, slots=True)
class SourceFeed:
    """What a source ever sent of a measure or case type behind the value; `word` is its id."""

    source: str
    kind: str
    word: str
    rows: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class CaseBehind:
    """A case that is a sample of the value; `counts`: it also meets the condition of a ratio. Times are UTC."""

    case_id: str
    unit: str
    status: str
    channel: str | None
    service: str | None
    received_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    updated_at: datetime
    counts: bool


@dataclass(frozen=True, slots=True)
class CasesBehind:
    """Samples by status and by service, as (samples, of those that count); the largest MAX_GROUPS.

    `page` is None unless it was requested; `more`: other cases follow.
    """

    case_type: str
    by_status: Sequence[tuple[str, int, int]]
    by_service: Sequence[tuple[str, int, int]]
    page: Sequence[CaseBehind] | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class PaneBehind:
    """Readings of a subject (station, device; empty where merged) in [start, end), an hour or a day."""

    subject: str
    start: datetime
    end: datetime
    n: int
    sum: float
    least: float
    most: float
    newest: datetime


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a value is made of.

    `parts` are the values of a formula's parts, `constants` each with its value in force; `cases` or `panes` are what a
    KPI that is not a formula is computed from.
    """

    definition: KpiDefinition
    value: KpiValue
    parts: Sequence[KpiValue]
    constants: Sequence[tuple[Constant, ConstantValue | None]]
    feeds: Sequence[SourceFeed]
    cases: CasesBehind | None = None
    panes: Sequence[PaneBehind] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class CasePage:
    """Up to `limit` cases after the one changed last before `after` (its `updated_at`, its id)."""

    limit: int
    after: tuple[datetime, str] | None = None


@dataclass(frozen=True)
class Provenance:
    """Reads within the reader's cursor. `at` None means now, otherwise the state at that moment."""

    reader: PaneReader
    catalog: Catalog
    zone: ZoneInfo

    def constants(self, definition: KpiDefinition, value: KpiValue) -> list[tuple[Constant, ConstantValue | None]]:
        """Return the constants with their values in force on the last day of the window."""
        if not isinstance(definition.expression, Formula):
            return []
        day = (value.window_to - timedelta(microseconds=1)).astimezone(self.zone).date()
        found = []
        for constant_id in definition.expression.constants:
            constant = self.catalog.constants[constant_id]
            held = [v for v in constant.values if v.valid_from <= day] if constant.at(day) is not None else []
            found.append((constant, held[-1] if held else None))
        return found

    def feeds(self, definition: KpiDefinition) -> list[SourceFeed]:
        """Return feeds by source, then id; of a formula those of all its parts."""
        words = dict.fromkeys(leaf.key for leaf in kpi_inputs(definition, self.catalog))
        found = []
        for kind, word in words:
            rows = self.reader.cursor.execute(
                "SELECT source, sum(rows)::BIGINT, min(first_at), max(last_at) FROM feeds "
                "WHERE kind = ? AND word = ? GROUP BY source",
                [kind, word],
            ).fetchall()
            found += [SourceFeed(source, kind, word, n, aware(first), aware(last)) for source, n, first, last in rows]
        return sorted(found, key=lambda feed: (feed.source, feed.kind, feed.word))

    def cases(
        self,
        definition: KpiDefinition,
        value: KpiValue,
        at: datetime | None,
        now: datetime,
        page: CasePage | None,
    ) -> CasesBehind | None:
        """Return the cases behind the value; None for a KPI that is not over cases."""
        expression = definition.expression
        if isinstance(expression, MeasureAggregate | Formula):
            return None
        sql = CaseSql.of(expression, self.catalog.vocabulary.case_types[expression.of])
        rows = self._held(expression, definition, value, at, now)
        hit = sql.hit or "true"
        samples = f"(SELECT *, ({hit}) AS counts FROM ({rows}) WHERE {sql.counted})"
        grouped = {
            column: self.reader.cursor.execute(
                f"SELECT coalesce({column}, ''), count(*), count(*) FILTER (counts) FROM {samples} "
                f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MAX_GROUPS}"
            ).fetchall()
            for column in ("status", "service")
        }
        found = CasesBehind(expression.of, grouped["status"], grouped["service"])
        if page is None:
            return found
        after = "" if page.after is None else "WHERE (updated_at, case_id) < (?, ?)"
        given = [] if page.after is None else [naive(page.after[0]), page.after[1]]
        order = f"ORDER BY updated_at DESC, case_id DESC LIMIT {page.limit + 1}"
        query = f"SELECT {_CASE}, counts FROM {samples} {after} {order}"
        listed = self.reader.cursor.execute(query, given).fetchall()
        cases = [_case(row) for row in listed[: page.limit]]
        return CasesBehind(expression.of, grouped["status"], grouped["service"], cases, len(listed) > page.limit)

    def panes(self, definition: KpiDefinition, value: KpiValue) -> list[PaneBehind]:
        """Return panes by hour, of whole days by day, the latest first. Empty for a KPI that is not over a measure."""
        expression = definition.expression
        if not isinstance(expression, MeasureAggregate):
            return []
        measure = self.reader.codes("measure").get(expression.measure)
        if measure is None:
            return []
        codes = self.reader.codes("unit")
        units = [codes[unit] for unit in self._units(definition, value.unit) if unit in codes]
        subjects = {code: word for word, code in self.reader.codes("subject").items()}
        found: dict[tuple[str, datetime, datetime], list[PaneBehind]] = defaultdict(list)
        for piece in split_by_level(minute_of(value.window_from), minute_of(value.window_to), self.reader.zone_hours):
            part = self.reader.read(_BY_SUBJECT, [piece], [measure], key=("time",), units=units)
            columns = [part[name].tolist() for name in ("time", "subject", "n", "sum", "least", "most", "newest")]
            for time, subject, n, total, least, most, newest in zip(*columns, strict=True):
                start, end = self._span(piece.level, time)
                pane = PaneBehind(subjects.get(subject, ""), start, end, n, total, least, most, from_ms(newest))
                found[pane.subject, start, end].append(pane)
        merged = [_merged(panes) for panes in found.values()]
        return sorted(merged, key=lambda pane: (-pane.start.timestamp(), pane.subject))

    def _span(self, level: str, time: int) -> tuple[datetime, datetime]:
        if level == "day":
            start = _EPOCH + timedelta(days=time) - timedelta(hours=self.reader.zone_hours)
            return start, start + timedelta(days=1)
        start = _EPOCH + timedelta(hours=time if level == "hour" else time // 60)
        return start, start + timedelta(hours=1)

    def _units(self, definition: KpiDefinition, unit: str) -> list[str]:
        whole = unit == self.catalog.province.code and definition.roll_up is not RollUp.NONE
        return list(self.catalog.vocabulary.units) if whole else [unit]

    def _held(
        self, expression: CaseExpression, definition: KpiDefinition, value: KpiValue, at: datetime | None, now: datetime
    ) -> str:
        units = self._units(definition, value.unit)
        targets = merged_targets(units) if len(units) > 1 else Targets(tuple(units), merged=False)
        moment = Moment(at or now, value.window_from, value.window_to)
        case_type = self.catalog.vocabulary.case_types[expression.of]
        return held_cases(expression, case_type, targets, moment, self.reader.zone_hours, latest=at is None)


def _case(row: tuple[Any, ...]) -> CaseBehind:
    case_id, unit, status, channel, service, received, due, closed, updated, counts = row
    return CaseBehind(
        case_id, unit, status, channel, service,
        aware(received), due and aware(due), closed and aware(closed), aware(updated), bool(counts),
    )  # fmt: skip


def _merged(panes: Sequence[PaneBehind]) -> PaneBehind:
    first = panes[0]
    return PaneBehind(
        first.subject, first.start, first.end,
        sum(pane.n for pane in panes), sum(pane.sum for pane in panes),
        min(pane.least for pane in panes), max(pane.most for pane in panes), max(pane.newest for pane in panes),
    )  # fmt: skip
