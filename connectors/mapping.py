"""Map rows with a source's own fields to readings and cases. Pure.

A target field is taken from a column or JSON path (`unit = "ma_xa"`), a constant (`{ constant = "46" }`) or a
template (`{ template = "{tinh}-{xa}" }`). Names with `$` are extra fields that the connector adds to a row: `$arrival`,
`$file_time`, `$file_name`, and each `{name}` of an MQTT topic template. connectors/mapping_table.py reads the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from connectors.field_paths import Row, composed, has_path, value_at
from connectors.local_formats import day_of, number_of, time_of, truth_of
from ioc.errors import RecordUnfit
from ioc.messages import Message
from ioc.model.case import AttributeType, Case
from ioc.model.reading import Reading
from ioc.model.rejection import Reason
from ioc.model.vocabulary import Vocabulary
from ioc.wire.fields import check_case, check_reading
from ioc.wire.whole_days import end_of_day

TIME_FIELDS = frozenset({"time", "received_at", "due_at", "closed_at", "updated_at"})
_UNKNOWN = {
    "measure": Reason.UNKNOWN_MEASURE,
    "unit": Reason.UNKNOWN_UNIT,
    "status": Reason.UNKNOWN_STATUS,
    "case_type": Reason.UNKNOWN_CASE_TYPE,
}
_TOTALS = frozenset({"tổng", "tổng cộng", "tổng số", "tổng toàn tỉnh", "cộng", "cộng dồn", "total", "grand total"})
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class FieldRule:
    """How one target field is made.

    `values` translates the source's values; one that is not in it makes the record unfit, unless there is a `default`.
    """

    target: str
    path: str = ""
    constant: Any = None
    template: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    default: Any = None
    scale: float = 1.0
    formats: tuple[str, ...] = ()

    def value(self, row: Row, numbers: str, zone: ZoneInfo) -> Any:
        """Return the field's value; None when the source has nothing there. Raises RecordUnfit.

        `numbers` and `zone` are those of the mapping.
        """
        if self.constant is not None:
            return self.constant
        if self.template:
            return _PLACEHOLDER.sub(lambda match: text_of(value_at(row, match[1])), self.template)
        raw = value_at(row, self.path)
        if raw is None or raw == "":
            return self.default
        if self.values:
            return self._translated(raw)
        if self.target in TIME_FIELDS:
            moment = time_of(raw, self.formats, zone, self.target)
            return end_of_day(moment) if self.target == "due_at" else moment
        if self.target == "value":
            return number_of(raw, numbers, self.target) * self.scale
        if self.target.startswith("attributes."):
            if self.formats:
                return day_of(raw, self.formats, zone, self.target)
            return raw if self.scale == 1 else number_of(raw, numbers, self.target) * self.scale
        return composed(text_of(raw).strip())

    def _translated(self, raw: Any) -> Any:
        text = composed(text_of(raw).strip())
        if text not in self.values and self.default is None:
            reason = _UNKNOWN.get(self.target, Reason.WRONG_TYPE)
            raise RecordUnfit(reason, self.target, Message("mapping_no_value", path=self.path, text=text))
        return self.values.get(text, self.default)


@dataclass(frozen=True)
class RowFilter:
    """Leaves out the rows whose `column` holds one of `values`, whatever their case and spacing."""

    column: str
    values: frozenset[str]

    def matches(self, row: Row) -> bool:
        """Whether the row is to be left out."""
        return folded(text_of(value_at(row, self.column))) in self.values


@dataclass(frozen=True)
class RecordMapping:
    """The table `[mapping]` of a source.

    `outputs` holds the rules of each record that one row gives. Without any, rows are the centre's own records.
    `skips_empty`: a record without a value is not made. `numbers` says how numbers are written, "plain" or
    "vietnamese"; times without a zone are in `zone`. `successors` gives the present unit for the code of one from
    before 1 July 2025. `filters` say which rows to leave out.
    """

    outputs: tuple[tuple[FieldRule, ...], ...]
    skips_empty: bool
    numbers: str
    zone: ZoneInfo
    successors: Mapping[str, str] = field(default_factory=dict)
    filters: tuple[RowFilter, ...] = ()

    def records(self, row: Row) -> list[dict[str, Any] | RecordUnfit]:
        """Return the row's records, in the shape that `ioc.wire.fields` checks, with unfit ones among them.

        Never empty: a row that is left out, or that gives no record, is one RecordUnfit with the reason.
        """
        if not self.outputs:
            return [{name: value for name, value in row.items() if not name.startswith("$")}]
        for test in (self._total, self._filtered):
            if (unfit := test(row)) is not None:
                return [unfit]
        records = [record for rules in self.outputs if (record := self._record(rules, row)) is not None]
        return records or [self._no_record(row)]

    def checked(self, record: Mapping[str, Any], vocabulary: Vocabulary, now: datetime) -> Reading | Case:
        """Check a record of this mapping against the catalogue and return it as reading or case. Raises RecordUnfit."""
        if "case_type" in record or "case_id" in record:
            return check_case(self.typed(record, vocabulary), vocabulary, now)
        return check_reading(record, vocabulary, now)

    def typed(self, record: Mapping[str, Any], vocabulary: Vocabulary) -> Mapping[str, Any]:
        """Return the record with its attributes in the types that the catalogue declares.

        Raises RecordUnfit for an attribute that cannot be converted.
        """
        case_type = vocabulary.case_types.get(record.get("case_type", ""))
        if case_type is None or not self.outputs or "attributes" not in record:
            return record
        attributes = {
            name: self._converted(name, value, case_type.attribute_types.get(name))
            for name, value in record["attributes"].items()
        }
        return {**record, "attributes": attributes}

    def columns(self) -> set[str]:
        """Return the source's own columns that the mapping names."""
        return {name for name in self._named() if not name.startswith("$")}

    def extra_fields(self) -> set[str]:
        """Return the names with `$` that the mapping uses."""
        return {name for name in self._named() if name.startswith("$")}

    def missing_from(self, rows: Iterable[Row]) -> list[str]:
        """Return the mapped columns that none of `rows` has, not even empty; sorted."""
        missing = self.columns()
        for row in rows:
            missing = {path for path in missing if not has_path(row, path)}
            if not missing:
                break
        return sorted(missing)

    def _converted(self, name: str, value: Any, declared: AttributeType | None) -> Any:
        match declared:
            case AttributeType.NUMBER if isinstance(value, str):
                number = number_of(value, self.numbers, f"attributes.{name}")
                return int(number) if number.is_integer() else number
            case AttributeType.BOOLEAN:
                return truth_of(value, f"attributes.{name}")
            case AttributeType.DATE:
                return day_of(value, (), self.zone, f"attributes.{name}")
            case AttributeType.CODE | AttributeType.TEXT if not isinstance(value, bool):
                return composed(text_of(value).strip())
        return value

    def _named(self) -> set[str]:
        named = {rule.path for rules in self.outputs for rule in rules if rule.path}
        return named | {
            name for rules in self.outputs for rule in rules for name in _PLACEHOLDER.findall(rule.template)
        }

    @cached_property
    def _total_rules(self) -> tuple[FieldRule, ...]:
        """The rules of the cells in which a total row is named as such."""
        rules = {rule.path: rule for output in self.outputs for rule in output if rule.target in ("unit", "subject")}
        return tuple(rule for path, rule in rules.items() if path and not path.startswith("$"))

    def _total(self, row: Row) -> RecordUnfit | None:
        """Recognise a row that sums up others. A text that the mapping itself translates does not count as one."""
        for rule in self._total_rules:
            value = value_at(row, rule.path)
            if not isinstance(value, str) or value[:1].isdigit() or composed(value.strip()) in rule.values:
                continue
            if folded(value).rstrip(" :.") in _TOTALS:
                return RecordUnfit(
                    Reason.TOTAL_ROW, rule.target, Message("row_sums_up", path=rule.path, value=value.strip())
                )
        return None

    def _filtered(self, row: Row) -> RecordUnfit | None:
        for test in self.filters:
            if test.matches(row):
                text = text_of(value_at(row, test.column)).strip()
                return RecordUnfit(Reason.LEFT_OUT, "", Message("row_left_out", column=test.column, value=text))
        return None

    def _no_record(self, row: Row) -> RecordUnfit:
        paths = [rule.path for rules in self.outputs for rule in rules if rule.target == "value" and rule.path]
        absent = [path for path in paths if not has_path(row, path)]
        if absent:
            sentence = Message("row_without_fields", absent=", ".join(absent))
        else:
            sentence = Message("row_empty", paths=", ".join(paths))
        return RecordUnfit(Reason.MISSING_FIELD, "value", sentence)

    def _record(self, rules: Sequence[FieldRule], row: Row) -> dict[str, Any] | RecordUnfit | None:
        """Return one record; None when it has no value and such records are skipped."""
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


def folded(text: str) -> str:
    """Return the text for a comparison that ignores case, spacing and the form of accents."""
    return " ".join(composed(text).casefold().split())


def text_of(value: Any) -> str:
    """Return a cell as text: empty for None, without ".0" for a whole number, ISO 8601 for a time."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
