"""Keep personal data out: hash declared fields with a key, or drop them, before anything reaches the broker."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Any

import orjson
import pyarrow as pa

from connectors.batching import Intake
from connectors.configuration import ATTRIBUTE, PERSONAL_CASE_FIELDS, SourceConfiguration
from ioc.model.case import CaseType
from ioc.model.personal_fields import PersonalTreatment
from ioc.wire.schemas import CASES, READINGS

_HASH_DIGITS = 24
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")

Treatments = Mapping[str, PersonalTreatment]


def personal_names(configuration: SourceConfiguration, attributes: Collection[str]) -> set[str]:
    """Return the names that personal fields have in the source's own records.

    These are their own names, and the columns that the mapping takes them from. `attributes` are the personal ones that
    the catalogue declares.
    """
    fields = {field.removeprefix(ATTRIBUTE) for field in configuration.personal} | set(attributes)
    return fields | set(_columns(configuration.mapping.data, fields))


def _columns(mapping: Any, fields: Collection[str]) -> Iterator[str]:
    if isinstance(mapping, list):
        for one in mapping:
            yield from _columns(one, fields)
    elif isinstance(mapping, Mapping):
        for name, rule in mapping.items():
            if name not in fields:
                yield from _columns(rule, fields)
            elif isinstance(rule, str):
                yield rule.split(".")[-1]
            elif isinstance(rule, Mapping):
                yield from (str(rule[key]).split(".")[-1] for key in ("from",) if key in rule)
                yield from _PLACEHOLDER.findall(str(rule.get("template", "")))


@dataclass(frozen=True)
class PersonalFields:
    """The personal fields of one source: `declared` in its file, and by case type in the catalogue (`case_types`).

    `read_key` returns the centre's key, and is called when the first value is hashed.
    """

    declared: Treatments
    read_key: Callable[[], str]
    case_types: Callable[[], Mapping[str, CaseType]]

    def protect(self, intake: Intake) -> Intake:
        """Return the intake with all personal fields hashed or dropped."""
        cases, readings = intake.cases, intake.readings
        declared_in_catalog = any(kind.personal for kind in self.case_types().values())
        if cases is not None and (declared_in_catalog or self.declared):
            cases = self._cases(cases)
        if readings is not None and "subject" in self.declared:
            subjects = [self._value("subject", text) for text in readings.column("subject").to_pylist()]
            readings = _with_column(readings, READINGS, "subject", subjects)
        return replace(intake, cases=cases, readings=readings)

    def _cases(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        for name in PERSONAL_CASE_FIELDS:
            if name in self.declared:
                values = [self._value(name, text) for text in batch.column(name).to_pylist()]
                batch = _with_column(batch, CASES, name, values)
        kinds = batch.column("case_type").to_pylist()
        attributes = batch.column("attributes").to_pylist()
        protected = [self._attributes(kind, text) for kind, text in zip(kinds, attributes, strict=True)]
        return batch if protected == attributes else _with_column(batch, CASES, "attributes", protected)

    def _attributes(self, case_type: str, text: str | None) -> str | None:
        known = self.case_types().get(case_type)
        treatments = dict(known.personal) if known else {}
        treatments |= {
            field.removeprefix(ATTRIBUTE): treatment
            for field, treatment in self.declared.items()
            if field.startswith(ATTRIBUTE)
        }
        if text is None or not treatments:
            return text
        kept: dict[str, Any] = {}
        for name, value in orjson.loads(text).items():
            treatment = treatments.get(name)
            if treatment is None:
                kept[name] = value
            elif treatment is PersonalTreatment.HASH:
                kept[name] = self._hashed(value)
        return orjson.dumps(kept).decode() if kept else None

    def _value(self, field: str, value: str | None) -> str | None:
        if value is None or value == "" or self.declared[field] is PersonalTreatment.DROP:
            return None
        return self._hashed(value)

    @cached_property
    def _key(self) -> bytes:
        return self.read_key().encode()

    def _hashed(self, value: Any) -> str:
        """Return the hash of a value: equal values have the same in every field and source of this centre."""
        return hmac.new(self._key, str(value).encode(), sha256).hexdigest()[:_HASH_DIGITS]


def _with_column(batch: pa.RecordBatch, schema: pa.Schema, name: str, values: list[str | None]) -> pa.RecordBatch:
    field = schema.field(name)
    column = pa.array(values, pa.string())
    if pa.types.is_dictionary(field.type):
        column = column.dictionary_encode().cast(field.type)
    columns = [column if one.name == name else batch.column(one.name) for one in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
