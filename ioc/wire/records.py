"""Parse records in JSON, NDJSON and CSV from a push or a Kafka message into readings, cases and rejections.

One malformed line or record does not cost its neighbours; only bytes without any records are malformed as a whole.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import orjson
import pyarrow as pa

from ioc import topics
from ioc.errors import BatchMalformed, RecordUnfit
from ioc.messages import Message
from ioc.model.case import Case
from ioc.model.reading import Reading
from ioc.model.rejection import Reason, Rejection, Rejections
from ioc.model.vocabulary import Vocabulary
from ioc.wire import headers
from ioc.wire.attributes import typed_cells
from ioc.wire.fields import CASE_FIELDS, check_case, check_reading
from ioc.wire.lenient_json import read_lines, read_records
from ioc.wire.replays import encode_place
from ioc.wire.schemas import cases_batch, readings_batch

Record = dict[str, Any]
_NUMBERS_OF_CSV = frozenset({"value"})
_as_json = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True)
class CheckedRecords:
    """Valid records in their order, and the rejected ones.

    `total` counts all records of the content; `reading_places` are the indices of the readings among them.
    """

    readings: list[Reading]
    cases: list[Case]
    rejections: list[Rejection]
    total: int
    reading_places: list[int] = field(default_factory=list)

    def readings_batch(self) -> pa.RecordBatch:
        return readings_batch(self.readings)

    def cases_batch(self) -> pa.RecordBatch:
        return cases_batch(
            self.cases, [orjson.dumps(c.attributes).decode() if c.attributes else None for c in self.cases]
        )


def parse(content: bytes, content_type: str) -> Iterator[tuple[Any, bytes]]:
    """Yield each record as parsed, and its own bytes; one that does not parse comes as a RecordUnfit value.

    Raises BatchMalformed when the content as a whole cannot be read, or its type is not JSON, NDJSON or CSV.
    """
    if content_type == headers.JSON:
        yield from read_records(content)
    elif content_type == headers.NDJSON:
        yield from read_lines(content)
    elif content_type == headers.CSV:
        yield from _parse_csv(content)
    else:
        raise BatchMalformed(
            Message(
                "content_type_unknown", given=content_type, json=headers.JSON, ndjson=headers.NDJSON, csv=headers.CSV
            )
        )


def check(
    content: bytes,
    content_type: str,
    vocabulary: Vocabulary,
    now: datetime,
    only: Literal["readings", "cases"] | None = None,
) -> CheckedRecords:
    """Parse and check all records; with `only`, a record of the other kind is rejected.

    Raises BatchMalformed as `parse` does.
    """
    readings: list[Reading] = []
    cases: list[Case] = []
    rejections = Rejections()
    places: list[int] = []
    index = -1
    for index, (record, own) in enumerate(parse(content, content_type)):
        try:
            if isinstance(record, RecordUnfit):
                raise record
            if not isinstance(record, dict):
                raise RecordUnfit(Reason.WRONG_TYPE, "", Message("record_not_object", name=type(record).__name__))
            is_case = "case_type" in record or "case_id" in record
            if is_case and only == "readings":
                raise RecordUnfit(Reason.WRONG_TYPE, "", Message("record_is_case", topic=topics.CASES))
            if not is_case and only == "cases":
                raise RecordUnfit(Reason.WRONG_TYPE, "", Message("record_is_reading", topic=topics.READINGS))
            if is_case:
                if content_type == headers.CSV:
                    record = _typed(record, vocabulary)
                cases.append(check_case(record, vocabulary, now))
            else:
                readings.append(check_reading(record, vocabulary, now))
                places.append(index)
        except RecordUnfit as fault:
            # A line of CSV does not name its columns.
            is_csv_row = content_type == headers.CSV and isinstance(record, dict)
            place = encode_place({"row": record}) if is_csv_row else ""
            rejections.add(index, fault.field, fault.reason, str(fault), own or _bytes(record), place)
    return CheckedRecords(readings, cases, rejections.all(), index + 1, places)


def _bytes(record: Any) -> bytes:
    """Return the bytes of a record that has none of its own.

    They are empty where there was no record (nothing between two commas).
    """
    if isinstance(record, RecordUnfit):
        return b""
    return _as_json(record).encode(errors="replace")


def _parse_csv(content: bytes) -> Iterator[tuple[Any, bytes]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise BatchMalformed(Message("csv_not_utf8", reason=str(fault))) from fault
    lines = csv.reader(io.StringIO(text), strict=True)
    try:
        names = [name.strip() for name in next(lines, [])]
        if not names or ("measure" not in names and "case_type" not in names):
            raise BatchMalformed(Message("csv_first_line"))
        for cells in lines:
            if not cells:
                continue
            own = ",".join(cells).encode()
            if len(cells) != len(names):
                sentence = Message("line_cells", count=len(cells), names=len(names))
                yield RecordUnfit(Reason.MALFORMED, "", sentence), own
            else:
                yield _csv_record(dict(zip(names, cells, strict=True))), own
    except csv.Error as fault:
        raise BatchMalformed(Message("csv_unreadable", line=lines.line_num, reason=str(fault))) from fault


def _typed(record: Record, vocabulary: Vocabulary) -> Record:
    case_type = vocabulary.case_types.get(record.get("case_type", ""))
    if case_type is None or "attributes" not in record:
        return record
    return {**record, "attributes": typed_cells(record["attributes"], case_type)}


def _csv_record(cells: dict[str, str]) -> Record:
    record: Record = {}
    attributes: Record = {}
    for name, cell in cells.items():
        if cell == "":
            continue
        if name in _NUMBERS_OF_CSV:
            record[name] = _number(cell)
        elif "case_type" in cells and name not in CASE_FIELDS:
            attributes[name] = cell
        else:
            record[name] = cell
    if attributes:
        record["attributes"] = attributes
    return record


def _number(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell
