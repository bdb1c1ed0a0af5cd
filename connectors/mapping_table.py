"""Read the table `[mapping]` of a source's file, and say what the source feeds."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from connectors.configuration import SourceConfiguration
from connectors.local_formats import is_time_format
from connectors.mapping import TIME_FIELDS, FieldRule, RecordMapping, RowFilter, folded
from ioc.catalog.toml_table import TomlTable
from ioc.catalog.units import unit_successors
from ioc.messages import Message
from ioc.settings import VIETNAM
from ioc.wire.fields import CASE_FIELDS, READING_FIELDS

_NEEDED_OF_A_CASE = frozenset({"case_type", "case_id", "unit", "status", "received_at", "updated_at"})
_NEEDED_OF_A_READING = READING_FIELDS - {"subject"}


def read_mapping(table: TomlTable, zone: ZoneInfo) -> RecordMapping:
    """Return the mapping of a table `[mapping]`. Raises ConfigurationInvalid naming file and field.

    `[[mapping.readings]]` give a row several readings; `former_units` says that the source uses unit codes from before
    1 July 2025. Times without a zone are in `zone`.
    """
    numbers = table.choice("numbers", ("plain", "vietnamese"), "plain")
    successors = unit_successors() if table.flag("former_units") else {}
    parts = table.tables("readings")
    filters = tuple(_filter(part) for part in table.tables("skip_rows"))
    is_case = table.has("case_type")
    common = _rules(table, CASE_FIELDS - {"attributes"} if is_case else READING_FIELDS)
    if is_case:
        attributes = table.table("attributes", required=False)
        common += [
            replace(_rule(attributes, name, may_be_time=True), target=f"attributes.{name}") for name in attributes.data
        ]
    table.finish()
    outputs = []
    for part in parts:
        own = _rules(part, READING_FIELDS)
        part.finish()
        outputs.append((*[rule for rule in common if rule.target not in {one.target for one in own}], *own))
    outputs = outputs or ([tuple(common)] if common else [])
    needed = _NEEDED_OF_A_CASE if is_case else _NEEDED_OF_A_READING
    for output in outputs:
        for name in sorted(needed - {rule.target for rule in output}):
            raise table.invalid(name, Message("field_is_missing"))
    return RecordMapping(
        tuple(outputs),
        skips_empty=len(parts) > 1,
        numbers=numbers,
        zone=zone,
        successors=successors,
        filters=filters,
    )


def feeds_of(configuration: SourceConfiguration) -> tuple[str, ...]:
    """Return ids of the measures and case types that a source gives, and patterns from its field `feeds` (`lgsp.*`).

    Where a column holds the ids themselves, only `feeds` can name them. Raises ConfigurationInvalid for a faulty
    mapping.
    """
    mapping = read_mapping(configuration.mapping, VIETNAM)
    rules = [rule for output in mapping.outputs for rule in output if rule.target in ("measure", "case_type")]
    ids = [value for rule in rules for value in (rule.constant, rule.default, *rule.values.values())]
    return tuple(dict.fromkeys((*configuration.feeds, *(value for value in ids if isinstance(value, str)))))


def _filter(table: TomlTable) -> RowFilter:
    column, values = table.text("column"), table.texts("values", required=False, unique=False)
    table.finish()
    if not values:
        raise table.invalid("values", Message("skip_values_missing"))
    return RowFilter(column, frozenset(map(folded, values)))


def _rules(table: TomlTable, known: frozenset[str]) -> list[FieldRule]:
    return [_rule(table, name) for name in sorted(known) if table.has(name)]


def _rule(table: TomlTable, name: str, *, may_be_time: bool = False) -> FieldRule:
    path = table.raw(name)
    if isinstance(path, str):
        return FieldRule(name, path=path)
    rule = table.table(name)
    if sum(rule.has(way) for way in ("from", "constant", "template")) != 1:
        raise table.invalid(name, Message("mapping_one_of"))
    formats = rule.raw("format", ())
    formats = (formats,) if isinstance(formats, str) else tuple(formats)
    for text in formats:
        if not (may_be_time or name in TIME_FIELDS) or not is_time_format(text):
            raise rule.invalid("format", Message("time_pattern", given=text))
    made = FieldRule(
        name,
        path=rule.text("from", ""),
        constant=rule.raw("constant"),
        template=rule.text("template", ""),
        values=rule.table("values", required=False).data,
        default=rule.raw("default"),
        scale=rule.number("scale", 1.0),
        formats=formats,
    )
    rule.finish()
    return made
