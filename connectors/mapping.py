"""From a source's own fields to readings and cases. Pure.

A target field is taken from a column or JSON path (`unit = "ma_xa"`), a constant (`{ constant = "46" }`) or a
template (`{ template = "{tinh}-{xa}" }`). Names with `$` come from around the record: `$arrival`, `$file_time`,
`$file_name`, and each word of an MQTT topic template.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from connectors.configuration import Table
from connectors.local_formats import day_of, number_of, time_of, truth_of, words_of_time
from ioc.catalog.units import unit_successors
from ioc.errors import RecordUnfit
from ioc.model.case import AttributeType
from ioc.model.rejection import Reason
from ioc.model.vocabulary import Vocabulary
from ioc.wire.fields import CASE_FIELDS, READING_FIELDS
from ioc.wire.whole_days import end_of_day

Row = Mapping[str, Any]
_TIMES = frozenset({"time", "received_at", "due_at", "closed_at", "updated_at"})
_UNKNOWN = {
    "measure": Reason.UNKNOWN_MEASURE,
    "unit": Reason.UNKNOWN_UNIT,
    "status": Reason.UNKNOWN_STATUS,
    "case_type": Reason.UNKNOWN_CASE_TYPE,
}
_TOTALS = frozenset({"tổng", "tổng cộng", "tổng số", "tổng toàn tỉnh", "cộng", "cộng dồn", "total", "grand total"})
_STEP = re.compile(r"[^.\[\]]+")
_PLACE = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class FieldRule:
    """How one target field is made. `values` translates words; one that is not there is unfit, unless `default`."""

    target: str
    path: str = ""
    constant: Any = None
    template: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    default: Any = None
    scale: float = 1.0
    formats: tuple[str, ...] = ()

    def value(self, row: Row, numbers: str, zone: ZoneInfo) -> Any:
        """None when the source has nothing there. Raises RecordUnfit."""
        if self.constant is not None:
            return self.constant
        if self.template:
            return _PLACE.sub(lambda match: _text(found(row, match[1])), self.template)
        given = found(row, self.path)
        if given is None or given == "":
            return self.default
        if self.values:
            word = composed(_text(given).strip())
            if word not in self.values and self.default is None:
                reason = _UNKNOWN.get(self.target, Reason.WRONG_TYPE)
                raise RecordUnfit(reason, self.target, f"The mapping has no value for {self.path} = {word!r}.")
            return self.values.get(word, self.default)
        if self.target in _TIMES:
            moment = time_of(given, self.formats, zone, self.target)
            return end_of_day(moment) if self.target == "due_at" else moment
        if self.target == "value":
            return number_of(given, numbers, self.target) * self.scale
        if self.target.startswith("attributes."):
            if self.formats:
                return day_of(given, self.formats, zone, self.target)
            return given if self.scale == 1 else number_of(given, numbers, self.target) * self.scale
        return composed(_text(given).strip())


@dataclass(frozen=True)
class RowFilter:
    """Leaves out the rows whose `column` holds one of `values`, in whatever case and spacing."""

    column: str
    values: frozenset[str]

    def matches(self, row: Row) -> bool:
        return _folded(_text(found(row, self.column))) in self.values


@dataclass(frozen=True)
class RecordMapping:
    """`outputs`: the rules of each record that one row gives. Without any, rows are the centre's own records.
    `successors`: codes of units of before 1 July 2025, with the one that stands for each. `filters`: rows to leave out.
    """

    outputs: tuple[tuple[FieldRule, ...], ...]
    skips_empty: bool
    numbers: str
    zone: ZoneInfo
    successors: Mapping[str, str] = field(default_factory=dict)
    filters: tuple[RowFilter, ...] = ()

    def records(self, row: Row) -> list[dict[str, Any] | RecordUnfit]:
        """Return the row's records, in the shape that `ioc.wire.fields` checks, with unfit ones among them.
        Never empty: a row that is left out, or that gives no record, is one RecordUnfit with the reason."""
        if not self.outputs:
            return [{name: value for name, value in row.items() if not name.startswith("$")}]
        for test in (self._total, self._filtered):
            if (unfit := test(row)) is not None:
                return [unfit]
        records = [record for rules in self.outputs if (record := self._record(rules, row)) is not None]
        return records or [self._nothing(row)]

    def typed(self, record: Mapping[str, Any], vocabulary: Vocabulary) -> Mapping[str, Any]:
        """Return the record with its attributes in the types that the catalogue declares. Raises RecordUnfit for an
        attribute that cannot be converted."""
        case_type = vocabulary.case_types.get(record.get("case_type", ""))
        if case_type is None or not self.outputs or "attributes" not in record:
            return record
        attributes = {
            name: self._converted(name, given, case_type.attribute_types.get(name))
            for name, given in record["attributes"].items()
        }
        return {**record, "attributes": attributes}

    def _converted(self, name: str, given: Any, declared: AttributeType | None) -> Any:
        match declared:
            case AttributeType.NUMBER if isinstance(given, str):
                number = number_of(given, self.numbers, f"attributes.{name}")
                return int(number) if number.is_integer() else number
            case AttributeType.BOOLEAN:
                return truth_of(given, f"attributes.{name}")
            case AttributeType.DATE:
                return day_of(given, (), self.zone, f"attributes.{name}")
            case AttributeType.CODE | AttributeType.TEXT if not isinstance(given, bool):
                return composed(_text(given).strip())
        return given

    def columns(self) -> set[str]:
        """The source's own columns that the mapping names."""
        return {name for name in self._named() if not name.startswith("$")}

    def around(self) -> set[str]:
        """The names with `$` that the mapping takes from around a record."""
        return {name for name in self._named() if name.startswith("$")}

    def _named(self) -> set[str]:
        named = {rule.path for rules in self.outputs for rule in rules if rule.path}
        return named | {name for rules in self.outputs for rule in rules for name in _PLACE.findall(rule.template)}

    def missing_from(self, rows: Iterable[Row]) -> list[str]:
        """Return the mapped columns that none of `rows` has, not even empty; sorted."""
        missing = self.columns()
        for row in rows:
            missing = {path for path in missing if not has(row, path)}
            if not missing:
                break
        return sorted(missing)

    @cached_property
    def _total_rules(self) -> tuple[FieldRule, ...]:
        """The rules of the cells in which a total row carries its word."""
        rules = {rule.path: rule for output in self.outputs for rule in output if rule.target in ("unit", "subject")}
        return tuple(rule for path, rule in rules.items() if path and not path.startswith("$"))

    def _total(self, row: Row) -> RecordUnfit | None:
        """Recognise a row that sums up others. A word that the mapping itself translates does not count as one."""
        for rule in self._total_rules:
            given = found(row, rule.path)
            if not isinstance(given, str) or given[:1].isdigit() or composed(given.strip()) in rule.values:
                continue
            if _folded(given).rstrip(" :.") in _TOTALS:
                sentence = f"The row sums up others ({rule.path} = {given.strip()!r}); it is not counted."
                return RecordUnfit(Reason.TOTAL_ROW, rule.target, sentence)
        return None

    def _filtered(self, row: Row) -> RecordUnfit | None:
        for test in self.filters:
            if test.matches(row):
                word = _text(found(row, test.column)).strip()
                sentence = f"The mapping leaves out rows with {test.column} = {word!r} (skip_rows)."
                return RecordUnfit(Reason.LEFT_OUT, "", sentence)
        return None

    def _nothing(self, row: Row) -> RecordUnfit:
        paths = [rule.path for rules in self.outputs for rule in rules if rule.target == "value" and rule.path]
        absent = [path for path in paths if not has(row, path)]
        if absent:
            sentence = f"The row gives no record: it has no field {', '.join(absent)}, which the mapping names."
        else:
            sentence = f"The row gives no record: {', '.join(paths)} are all empty."
        return RecordUnfit(Reason.MISSING_FIELD, "value", sentence)

    def _record(self, rules: Sequence[FieldRule], row: Row) -> dict[str, Any] | RecordUnfit | None:
        record: dict[str, Any] = {}
        attributes: dict[str, Any] = {}
        try:
            for rule in rules:
                value = rule.value(row, self.numbers, self.zone)
                if value is None:
                    if rule.target == "value" and self.skips_empty:
                        return None
                elif rule.target.startswith("attributes."):
                    attributes[rule.target.removeprefix("attributes.")] = value
                elif rule.target == "unit":
                    record["unit"] = self.successors.get(value, value)
                else:
                    record[rule.target] = value
        except RecordUnfit as fault:
            return fault
        return {**record, "attributes": attributes} if attributes else record


def read_mapping(table: Table, zone: ZoneInfo) -> RecordMapping:
    """The `[mapping]` table; `[[mapping.readings]]` give a row several readings, `former_units` says that the source
    uses codes of before 1 July 2025. Raises ConfigurationInvalid."""
    numbers = table.one_of("numbers", ("plain", "vietnamese"), "plain")
    successors = unit_successors() if table.flag("former_units", False) else {}
    parts = table.tables("readings")
    filters = tuple(_filter(part) for part in table.tables("skip_rows"))
    is_case = table.has("case_type")
    known = CASE_FIELDS - {"attributes"} if is_case else READING_FIELDS
    common = _rules(table, known)
    if is_case:
        attributes = table.table("attributes")
        common += [
            replace(_rule(attributes, name, may_be_time=True), target=f"attributes.{name}")
            for name in attributes.names()
        ]
    table.done()
    outputs = []
    for part in parts:
        own = _rules(part, READING_FIELDS)
        part.done()
        outputs.append((*[r for r in common if r.target not in {o.target for o in own}], *own))
    outputs = outputs or ([tuple(common)] if common else [])
    for output in outputs:
        needed = {"case_type", "case_id", "unit", "status", "received_at", "updated_at"} if is_case else READING_FIELDS
        for name in sorted(needed - {"subject"} - {rule.target for rule in output}):
            raise table.fault(name, "is missing.")
    return RecordMapping(
        tuple(outputs),
        skips_empty=len(parts) > 1,
        numbers=numbers,
        zone=zone,
        successors=successors,
        filters=filters,
    )


def found(row: Row, path: str) -> Any:
    """Return the value of a column of exactly that name, else at a path `a.b[0].c`; None when there is none."""
    if path in row:
        return row[path]
    given = _located(row, path)
    return None if given is _ABSENT else given


def has(row: Row, path: str) -> bool:
    """Whether the row has the column or path, be it with an empty value."""
    return path in row or _located(row, path) is not _ABSENT


def composed(text: str) -> str:
    """Return the text with each accented letter as one character (NFC): macOS and some exports write two."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


_ABSENT = object()


def _located(row: Row, path: str) -> Any:
    if (given := _member(row, path)) is not _ABSENT:
        return given
    place: Any = row
    for step in _STEP.findall(path):
        if isinstance(place, Mapping):
            place = _member(place, step)
        elif isinstance(place, list) and step.lstrip("-").isdigit() and -len(place) <= int(step) < len(place):
            place = place[int(step)]
        else:
            return _ABSENT
    return place


def _member(place: Row, name: str) -> Any:
    """The value under the name, however its accents are written."""
    if name in place:
        return place[name]
    if not name.isascii():
        for key, value in place.items():
            if unicodedata.normalize("NFC", key) == name:
                return value
    return _ABSENT


def _folded(text: str) -> str:
    return " ".join(composed(text).casefold().split())


def _filter(table: Table) -> RowFilter:
    column, values = table.text("column"), table.texts("values")
    table.done()
    if not values:
        raise table.fault("values", "is missing: the words of the rows to leave out.")
    return RowFilter(column, frozenset(map(_folded, values)))


def _rules(table: Table, known: frozenset[str]) -> list[FieldRule]:
    return [_rule(table, name) for name in sorted(known) if table.has(name)]


def _rule(table: Table, name: str, *, may_be_time: bool = False) -> FieldRule:
    given = table.any(name)
    if isinstance(given, str):
        return FieldRule(name, path=given)
    rule = table.table(name)
    if sum(rule.has(way) for way in ("from", "constant", "template")) != 1:
        raise table.fault(name, "needs exactly one of from, constant, template.")
    formats = rule.any("format", ())
    formats = (formats,) if isinstance(formats, str) else tuple(formats)
    for text in formats:
        if not (may_be_time or name in _TIMES) or not words_of_time(text):
            raise rule.fault("format", f"is {text!r}, not rfc3339, epoch_s, epoch_ms or a pattern as dd/MM/yyyy HH:mm.")
    made = FieldRule(
        name,
        path=rule.text("from", ""),
        constant=rule.any("constant"),
        template=rule.text("template", ""),
        values=rule.table("values").as_given(),
        default=rule.any("default"),
        scale=rule.number("scale", 1.0),
        formats=formats,
    )
    rule.done()
    return made


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
