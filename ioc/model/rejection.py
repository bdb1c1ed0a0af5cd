"""Why a record was not counted, and what stays of it."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Machine words of unfitness; the same in the push answer, the dead letters, the ledger and the metrics."""

    MALFORMED = "malformed"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_MEASURE = "unknown_measure"
    UNKNOWN_UNIT = "unknown_unit"
    UNKNOWN_CASE_TYPE = "unknown_case_type"
    UNKNOWN_STATUS = "unknown_status"
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    NO_TIME_ZONE = "no_time_zone"
    TIME_IN_FUTURE = "time_in_future"
    TIME_TOO_OLD = "time_too_old"
    TIME_ORDER = "time_order"
    TOO_LARGE = "too_large"
    TOTAL_ROW = "total_row"
    LEFT_OUT = "left_out"
    KEY_CONFLICT = "key_conflict"


@dataclass(frozen=True, slots=True)
class Rejection:
    """One unfit record: its place in the batch, the field, the reason, a sentence, and its bytes as received."""

    index: int
    field: str
    reason: str
    message: str
    content: bytes = b""
