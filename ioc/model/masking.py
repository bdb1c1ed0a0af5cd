"""Hide what may identify a person in a refused record: identity numbers, phone numbers, e-mail addresses, named fields.

The length of what is hidden is kept, and so is everything that does not look personal, so that a fault can be found.
"""

import json
import re
import unicodedata
from collections.abc import Collection
from typing import Any

MASK = "*"
_PERSONAL = re.compile(
    rb"""
    [A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+                    # e-mail
    | (?<![0-9A-Za-z])(?:\+84|0084|84|0)[ .-]?(?:[235789][0-9])(?:[ .-]?[0-9]){7,8}(?![0-9])  # phone of Vietnam
    | (?<![0-9A-Za-z.])[0-9]{3}[ .]?[0-9]{3}[ .]?[0-9]{3}[ .]?[0-9]{3}(?![0-9.]) # identity number, 12 digits
    """,
    re.VERBOSE,
)
PERSONAL_NAMES = frozenset({
    "address", "applicant", "applicant_name", "birthday", "cccd", "citizen", "citizen_id", "cmnd", "cmt",
    "date_of_birth", "dia_chi", "diachi", "dien_thoai", "dienthoai", "dob", "email", "full_name", "fullname", "ho_ten",
    "ho_va_ten", "hoten", "identity", "identity_number", "mobile", "ngay_sinh", "ngaysinh", "nguoi_nop", "phone",
    "phone_number", "sdt", "so_dien_thoai", "sodienthoai", "ten_nguoi_nop",
})  # fmt: skip
"""Names of fields that always count as personal."""


def mask_text(text: str) -> str:
    """Hide personal data that is recognised in free text."""
    return mask_bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


def mask_bytes(content: bytes) -> bytes:
    """Hide personal data that is recognised in bytes of any encoding that contains ASCII."""
    return _PERSONAL.sub(lambda found: MASK.encode() * len(found[0]), content)


def mask_record(content: bytes, personal: Collection[str] = ()) -> bytes:
    """Hide personal data that is recognised in a refused record, and the fields that the source declares as `personal`.

    Where a source declares such fields and the record is not a JSON object (a line of CSV has no names, a truncated
    record cannot be read), all of it is hidden.
    """
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict | list):
        return MASK.encode() * len(content) if personal else mask_bytes(content)
    names = PERSONAL_NAMES | {_plain(name) for name in personal}
    if not _holds_named(record, names):
        return mask_bytes(content)
    hidden = json.dumps(_without(record, names), ensure_ascii=False).encode("utf-8", "surrogatepass")
    return mask_bytes(hidden)


def _holds_named(value: Any, names: Collection[str]) -> bool:
    if isinstance(value, dict):
        return any(_is_named(key, names) or _holds_named(inner, names) for key, inner in value.items())
    return isinstance(value, list) and any(_holds_named(inner, names) for inner in value)


def _without(value: Any, names: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {
            key: MASK * 8 if _is_named(key, names) and inner not in (None, "") else _without(inner, names)
            for key, inner in value.items()
        }
    return [_without(inner, names) for inner in value] if isinstance(value, list) else value


def _is_named(key: str, names: Collection[str]) -> bool:
    return _plain(key) in names


def _plain(name: str) -> str:
    """Return the name in a form in which different spellings are equal."""
    return unicodedata.normalize("NFC", name).strip().lower().replace("-", "_").replace(" ", "_")
