"""Personal fields of records: what a source or the catalogue declares, and what is done with it."""

from enum import StrEnum


class PersonalTreatment(StrEnum):
    """`hash`: equal values stay equal, but cannot be read; `drop`: the value does not enter the centre."""

    HASH = "hash"
    DROP = "drop"
