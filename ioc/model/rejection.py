"""Rejections: why a record was not counted, and what is kept of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import StrEnum

from ioc.messages import Message


class Reason(StrEnum):
    """Codes of rejection; the same in the push answer, the dead letters, the ledger and the metrics."""

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
    NOT_STORABLE = "not_storable"


@dataclass(frozen=True, slots=True)
class Rejection:
    """One unfit record: its index in the batch, the field, the reason, a sentence, and its bytes as received.

    With `records` above 1 it stands for that many with the same reason and field, `index` being that of the first; then
    `content` has their bytes, one record per line. `place` is JSON text with what the bytes do not say and a replay
    needs (ioc/wire/replays.py), also one record per line.
    """

    index: int
    field: str
    reason: str
    message: str
    content: bytes = b""
    records: int = 1
    place: str = ""


def count_records(rejections: Iterable[Rejection]) -> int:
    """Return how many records the rejections stand for."""
    return sum(rejection.records for rejection in rejections)


SINGLE_REJECTIONS = 1000
"""So many rejections of a batch are kept one by one, the others in bundles."""
BUNDLE_BYTES = 512 * 1024
MAX_BUNDLES = 50
"""With more bundles, fields with one reason share a bundle."""


class Rejections:
    """Collect the rejections of one batch in memory of about their own bytes, however many they are.

    A million unfit records would otherwise be a million objects here, messages in Kafka and rows in the store.
    """

    def __init__(self) -> None:
        self._single: list[Rejection] = []
        self._open: dict[tuple[str, str], _Bundle] = {}
        self._full: list[_Bundle] = []

    def add(self, index: int, field: str, reason: str, message: str, content: bytes, place: str = "") -> None:
        if len(self._single) < SINGLE_REJECTIONS:
            self._single.append(Rejection(index, field, reason, message, content, place=place))
            return
        if len(self._open) >= MAX_BUNDLES and (reason, field) not in self._open:
            field = ""  # an unknown field may have any name, each record another
        bundle = self._open.get((reason, field))
        if bundle is not None and bundle.size_bytes + len(content) + len(place) > BUNDLE_BYTES:
            self._full.append(bundle)
            bundle = None
        if bundle is None:
            bundle = self._open[reason, field] = _Bundle(index, field, reason, message)
        bundle.add(content, place)

    def all(self) -> list[Rejection]:
        """Return the single ones, then the bundles, in the order of their first records."""
        bundles = sorted([*self._full, *self._open.values()], key=lambda bundle: bundle.index)
        return [*self._single, *(bundle.rejection() for bundle in bundles)]


@dataclass
class _Bundle:
    index: int
    field: str
    reason: str
    message: str
    contents: list[bytes] = dataclass_field(default_factory=list)
    places: list[str] = dataclass_field(default_factory=list)
    size_bytes: int = 0

    def add(self, content: bytes, place: str) -> None:
        self.contents.append(content)
        self.places.append(place)
        self.size_bytes += len(content) + len(place) + 2

    def rejection(self) -> Rejection:
        records = len(self.contents)
        message = self.message
        if records > 1:
            message = Message("records_with_fault", fault=self.message, records=records)
        place = "\n".join(self.places) if any(self.places) else ""
        return Rejection(self.index, self.field, self.reason, message, b"\n".join(self.contents), records, place)
