"""Meaning of a record whose key the source has sent before."""

from __future__ import annotations

from enum import StrEnum


class SameKey(StrEnum):
    """`repeat`: the record is known and dropped; with another value it is refused. `correction`: a reading replaces the
    earlier one. `new`: it counts, as every record does.

    docs/repeats.md says what the key is, for each kind of source and measure.
    """

    REPEAT = "repeat"
    CORRECTION = "correction"
    NEW = "new"


OF_DEDUPE = {"10m": SameKey.REPEAT, "off": SameKey.NEW}
"""Values of `dedupe`, the former name of `same_key` in a source's file."""
