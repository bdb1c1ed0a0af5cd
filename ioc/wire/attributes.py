"""Check a case's attributes against the types that the catalogue declares. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from ioc.errors import RecordUnfit
from ioc.messages import Message
from ioc.model.case import AttributeType, CaseType
from ioc.model.rejection import Reason
from ioc.wire.lenient_json import readable, shown

MAX_CODE_LENGTH = 200
MAX_TEXT = 10_000
"""Characters of an attribute; one case must fit into a message."""
_NUMBERS_END = 2.0**63
"""Larger whole numbers do not fit into 64 bits."""
_DATE_CHARACTERS = 10
_THOUSANDS = re.compile(r"^[+-]?[1-9]\d{0,2}(\.\d{3})+$")

Attributes = dict[str, str | float | bool]


def check_attributes(attributes: Any, case_type: CaseType) -> Attributes:
    """Return a case's attributes as parsed from JSON, empty for None. Raises RecordUnfit."""
    if attributes is None:
        return {}
    if not isinstance(attributes, dict):
        raise RecordUnfit(Reason.WRONG_TYPE, "attributes", Message("attributes_not_object"))
    for name, value in attributes.items():
        if name not in case_type.attributes:
            raise RecordUnfit(
                Reason.UNKNOWN_FIELD, f"attributes.{readable(name)}", Message("attribute_unknown", given=shown(name))
            )
        if not (isinstance(value, str) or is_number(value) or isinstance(value, bool)):
            raise _unfit(name, Message("attribute_kind", name=name))
        if isinstance(value, str) and not is_utf8(value):
            raise _unfit(name, Message("attribute_text", name=name))
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise RecordUnfit(
                Reason.TOO_LARGE, f"attributes.{name}", Message("attribute_long", name=name, max=MAX_TEXT)
            )
        declared = case_type.attribute_types.get(name)
        if declared is not None and not _FITS[declared](value):
            raise _unfit(name, Message("attribute_type", name=name, given=shown(value), wanted=_WANTED[declared]))
    return dict(attributes)


def typed_cells(attributes: Mapping[str, str], case_type: CaseType) -> Attributes:
    """Return cells of a CSV, which are all text, with numbers where the case type declares a number."""
    return {
        name: _number(cell) if case_type.attribute_types.get(name) is AttributeType.NUMBER else cell
        for name, cell in attributes.items()
    }


def is_number(value: Any) -> bool:
    """Return whether it is a finite number within 64 bits; true and false are not numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value) and abs(value) < _NUMBERS_END
    except OverflowError:
        return False


def is_utf8(text: str) -> bool:
    """Return False for half a surrogate pair, which JSON can escape and no store can write."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_text(value: Any) -> bool:
    return not isinstance(value, bool)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool) or value in (0, 1, "true", "false")


def _is_code(value: Any) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= MAX_CODE_LENGTH and value == value.strip()
    return isinstance(value, int) and not isinstance(value, bool)


def _is_date(value: Any) -> bool:
    if not isinstance(value, str) or len(value) != _DATE_CHARACTERS:
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


_FITS: Mapping[AttributeType, Callable[[Any], bool]] = {
    AttributeType.NUMBER: is_number,
    AttributeType.TEXT: _is_text,
    AttributeType.DATE: _is_date,
    AttributeType.BOOLEAN: _is_boolean,
    AttributeType.CODE: _is_code,
}
_WANTED = {
    AttributeType.NUMBER: "a number; send it plain (50000, 0.5), or let the mapping convert it (numbers)",
    AttributeType.TEXT: "a text",
    AttributeType.DATE: "a date; write it as 2026-11-30",
    AttributeType.BOOLEAN: "true or false",
    AttributeType.CODE: f"a code: a text of at most {MAX_CODE_LENGTH} characters, or a whole number",
}


def _number(cell: str) -> float | str:
    """Return the number, or the cell unchanged.

    The cell stays where it is not a number, or may have a separator of thousands: 50.000 is 50 or 50,000.
    """
    if _THOUSANDS.match(cell):
        return cell
    try:
        number = float(cell)
    except ValueError:
        return cell
    return int(number) if number.is_integer() and abs(number) < _NUMBERS_END else number


def _unfit(name: str, sentence: Message) -> RecordUnfit:
    return RecordUnfit(Reason.WRONG_TYPE, f"attributes.{name}", sentence)
