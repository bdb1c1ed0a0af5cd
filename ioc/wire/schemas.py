"""Arrow schemas of the batches.

Strings that repeat travel as dictionary codes, which makes reducing fast and batches small.
"""

from collections.abc import Sequence

import pyarrow as pa

from ioc.model.case import Case
from ioc.model.reading import Reading

TIME = pa.timestamp("ms", tz="UTC")
TERM = pa.dictionary(pa.int16(), pa.string())
SUBJECT = pa.dictionary(pa.int32(), pa.string())

READINGS = pa.schema([("measure", TERM), ("unit", TERM), ("subject", SUBJECT), ("time", TIME), ("value", pa.float64())])
READINGS_OPTIONAL = frozenset({"subject"})

CASES = pa.schema(
    [
        ("case_type", TERM),
        ("case_id", pa.string()),
        ("unit", TERM),
        ("status", TERM),
        ("channel", TERM),
        ("service", SUBJECT),
        ("received_at", TIME),
        ("due_at", TIME),
        ("closed_at", TIME),
        ("updated_at", TIME),
        ("attributes", pa.string()),  # a JSON object, or null
    ]
)
CASES_OPTIONAL = frozenset({"channel", "service", "due_at", "closed_at", "attributes"})

BUCKETS = pa.list_(pa.struct([("bucket", pa.int16()), ("n", pa.int32())]))
REGISTERS = pa.list_(pa.struct([("register", pa.int16()), ("rank", pa.int8())]))

# One row per (measure, unit, subject, minute). `minute` counts minutes since 1970 UTC; `first_ms`, `last_ms` are
# milliseconds into the minute; of equal times the smallest value is first and the largest is last.
PANES = pa.schema(
    [
        ("measure", TERM),
        ("unit", TERM),
        ("subject", SUBJECT),
        ("minute", pa.int32()),
        ("n", pa.int32()),
        ("sum", pa.float64()),
        ("sum_squares", pa.float64()),
        ("least", pa.float64()),
        ("most", pa.float64()),
        ("first_ms", pa.int32()),
        ("first", pa.float64()),
        ("last_ms", pa.int32()),
        ("last", pa.float64()),
        ("buckets", BUCKETS),
        ("registers", REGISTERS),
    ]
)

# Single readings of a source that corrects itself, one row each in the order of arrival. `kept`: panes keep the
# subject. `bucket`, `register` and `rank` are what the reading adds to the sketches of its measure, or null.
KEYED_READINGS = pa.schema(
    [
        ("measure", TERM),
        ("unit", TERM),
        ("subject", SUBJECT),
        ("time", TIME),
        ("value", pa.float64()),
        ("kept", pa.bool_()),
        ("bucket", pa.int16()),
        ("register", pa.int16()),
        ("rank", pa.int8()),
    ]
)


def readings_batch(readings: Sequence[Reading]) -> pa.RecordBatch:
    """Return the readings as a record batch in the given order; an empty subject becomes null."""
    return pa.RecordBatch.from_arrays(
        [
            _codes([r.measure for r in readings], TERM),
            _codes([r.unit for r in readings], TERM),
            _codes([r.subject or None for r in readings], SUBJECT),
            pa.array([r.time for r in readings], TIME),
            pa.array([r.value for r in readings], pa.float64()),
        ],
        schema=READINGS,
    )


def cases_batch(cases: Sequence[Case], attributes: Sequence[str | None]) -> pa.RecordBatch:
    """Return the cases as a record batch in the given order.

    `attributes` are the cases' attributes as JSON objects, None where there are none.
    """
    return pa.RecordBatch.from_arrays(
        [
            _codes([c.case_type for c in cases], TERM),
            pa.array([c.case_id for c in cases], pa.string()),
            _codes([c.unit for c in cases], TERM),
            _codes([c.status for c in cases], TERM),
            _codes([c.channel or None for c in cases], TERM),
            _codes([c.service or None for c in cases], SUBJECT),
            pa.array([c.received_at for c in cases], TIME),
            pa.array([c.due_at for c in cases], TIME),
            pa.array([c.closed_at for c in cases], TIME),
            pa.array([c.updated_at for c in cases], TIME),
            pa.array(attributes, pa.string()),
        ],
        schema=CASES,
    )


def _codes(words: list[str | None] | list[str], kind: pa.DictionaryType) -> pa.Array:
    return pa.array(words, pa.string()).dictionary_encode().cast(kind)
