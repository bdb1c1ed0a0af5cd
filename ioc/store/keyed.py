"""Single readings of sources that correct themselves: the current value of each key.

Panes only add up, so a value that is replaced can never be taken out of them. The readings of such a source therefore
never become rows of panes: `keyed_readings` holds one row per key (source, measure, unit, subject, time), and the views
of every level (ioc/store/levels.sql) show each row as a pane of one reading. A correction replaces the row, and with
that minutes, hours, days and sketches are right in the same transaction, whatever was rolled up or archived since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from ioc.store.dictionary_codes import DictionaryCodes, codes_of_column
from ioc.store.exactly_once import Output
from ioc.store.levels import has_keyed, make_level_views

_KEY = "source, measure, unit, subject, time_ms"
_MS_A_MINUTE = 60_000

# Each arrival with the value that held before it: that of the arrival before it in the tick, else the stored one.
# The stored rows are found by time first, since a file or a page of corrections lies close together in it.
_STORED = f"""
CREATE OR REPLACE TEMP TABLE stored_readings AS
SELECT {_KEY}, value, version FROM keyed_readings
SEMI JOIN arrived_readings USING ({_KEY})
WHERE minute BETWEEN (SELECT min(minute) FROM arrived_readings) AND (SELECT max(minute) FROM arrived_readings)"""
_JUDGED = f"""
CREATE OR REPLACE TEMP TABLE judged_readings AS
SELECT a.*, s.version AS stored_version,
    coalesce(lag(a.value) OVER (PARTITION BY {_KEY} ORDER BY place), s.value) AS before
FROM arrived_readings a LEFT JOIN stored_readings s USING ({_KEY})"""
_COUNTS = """
SELECT batch, count(*) FILTER (before = value)::BIGINT, count(*) FILTER (before <> value)::BIGINT
FROM judged_readings GROUP BY batch"""
_CHANGED = f"""
CREATE OR REPLACE TEMP TABLE changed_readings AS
SELECT * EXCLUDE (changes, last_place), coalesce(stored_version, 0) + changes AS version FROM (
    SELECT *, count(*) FILTER (before IS DISTINCT FROM value) OVER (PARTITION BY {_KEY}) AS changes,
        max(place) OVER (PARTITION BY {_KEY}) AS last_place
    FROM judged_readings)
WHERE changes > 0 AND place = last_place"""
_REPLACED = f"""
DELETE FROM keyed_readings WHERE rowid IN (
    SELECT k.rowid FROM keyed_readings k JOIN changed_readings c USING ({_KEY})
    WHERE c.stored_version IS NOT NULL AND k.minute = c.minute)"""
_COLUMNS = f"{_KEY}, pane_subject, minute, hour, day, value, version, bucket, register, rank"
_INSERT = f"INSERT INTO keyed_readings ({_COLUMNS}) SELECT {_COLUMNS} FROM changed_readings ORDER BY minute"
_TOUCHED = "SELECT measure, unit, min(minute) FROM changed_readings GROUP BY measure, unit"


@dataclass(frozen=True)
class KeyedAppended:
    """The changes of a tick.

    For each measure id its earliest changed minute, and the unit ids; and for each output how many of its readings
    repeat the current value (`repeated`) and how many replace another value (`corrected`).
    """

    earliest_minute: dict[str, int]
    units: frozenset[str]
    repeated: tuple[int, ...]
    corrected: tuple[int, ...]


def append_keyed(
    cursor: duckdb.DuckDBPyConnection, codes: DictionaryCodes, outputs: Sequence[Output], zone_hours: int
) -> KeyedAppended:
    """Write outputs of the schema KEYED_READINGS, in their order, in the running transaction.

    Of readings with one key, the last one in the order of the source's offsets and rows is the current one.
    """
    nothing = (0,) * len(outputs)
    if not any(output.rows.num_rows for output in outputs):
        return KeyedAppended({}, frozenset(), nothing, nothing)
    arrived = _arrived(outputs, codes, zone_hours)
    codes.write(cursor)
    cursor.register("arrived_readings", arrived)
    try:
        for statement in (_STORED, _JUDGED):
            cursor.execute(statement)
    finally:
        cursor.unregister("arrived_readings")
    counts = {batch: some for batch, *some in cursor.execute(_COUNTS).fetchall()}
    is_first = not has_keyed(cursor)
    for statement in (_CHANGED, _REPLACED, _INSERT):
        cursor.execute(statement)
    if is_first:
        make_level_views(cursor, zone_hours)
    measures = {code: word for word, code in codes.known("measure").items()}
    units = {code: word for word, code in codes.known("unit").items()}
    earliest: dict[str, int] = {}
    touched = set()
    for measure, unit, minute in cursor.execute(_TOUCHED).fetchall():
        word = measures[measure]
        earliest[word] = min(minute, earliest.get(word, minute))
        touched.add(units[unit])
    for table in ("stored_readings", "judged_readings", "changed_readings"):
        cursor.execute(f"DROP TABLE {table}")
    repeated, corrected = (tuple(counts.get(n, (0, 0))[i] for n in range(len(outputs))) for i in (0, 1))
    return KeyedAppended(earliest, frozenset(touched), repeated, corrected)


def _arrived(outputs: Sequence[Output], codes: DictionaryCodes, zone_hours: int) -> pa.Table:
    tables = []
    for number, output in enumerate(outputs):
        rows = output.rows
        time_ms = rows.column("time").cast(pa.int64()).to_numpy(zero_copy_only=False)
        subject = codes_of_column(rows.column("subject"), "subject", codes)
        minute = (time_ms // _MS_A_MINUTE).astype(np.int32)
        hour = minute // 60
        tables.append(
            pa.table(
                {
                    "source": pa.repeat(pa.scalar(output.headers.source), rows.num_rows),
                    "measure": codes_of_column(rows.column("measure"), "measure", codes).astype(np.int16),
                    "unit": codes_of_column(rows.column("unit"), "unit", codes).astype(np.int16),
                    "subject": subject,
                    "time_ms": time_ms,
                    "pane_subject": np.where(rows.column("kept").to_numpy(zero_copy_only=False), subject, np.int32(0)),
                    "minute": minute,
                    "hour": hour,
                    "day": (hour + zone_hours) // 24,
                    "value": rows.column("value"),
                    "bucket": rows.column("bucket"),
                    "register": rows.column("register"),
                    "rank": rows.column("rank"),
                    "batch": pa.repeat(pa.scalar(number, pa.int32()), rows.num_rows),
                }
            )
        )
    table = pa.concat_tables(tables)
    return table.append_column("place", pa.array(np.arange(table.num_rows)))
