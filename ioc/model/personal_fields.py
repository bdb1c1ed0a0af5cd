"""Personal fields of records: how each is treated."""

from enum import StrEnum


class PersonalTreatment(StrEnum):
    """`hash`: equal values stay equal but cannot be read; `drop`: the value does not enter the centre."""

    HASH = "hash"
    DROP = "drop"
