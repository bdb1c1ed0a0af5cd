"""What a record means whose key the source has sent before: a choice of each source."""

from __future__ import annotations

from enum import StrEnum


class SameKey(StrEnum):
    """The field `same_key` of a source's file.

    `repeat`: the record is known and dropped; with another value it is refused. `correction`: a reading replaces the
    earlier one. `new`: the record counts like any other. docs/repeats.md says what the key is, for each kind of source
    and measure.
    """

    REPEAT = "repeat"
    CORRECTION = "correction"
    NEW = "new"


FORMER_DEDUPE_VALUES = {"10m": SameKey.REPEAT, "off": SameKey.NEW}
"""Values of `dedupe`, the former name of `same_key` in a source's file."""
