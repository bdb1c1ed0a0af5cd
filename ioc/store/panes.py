"""Write pane batches: merge all panes of a tick, then append them to the recent rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ioc.panes.merge import concatenate, merge_rows
from ioc.panes.schema import BUCKETS, PANES, REGISTERS, Columns
from ioc.store.dictionary_codes import DictionaryCodes, codes_of_column
from ioc.store.rows import insert


@dataclass(frozen=True)
class PanesAppended:
    """The changes of a tick: the earliest minute of each measure id, the unit ids, and how many readings."""

    earliest_minute: dict[str, int]
    units: frozenset[str]
    readings: int


def append_panes(
    cursor: duckdb.DuckDBPyConnection, codes: DictionaryCodes, batches: Sequence[pa.RecordBatch]
) -> PanesAppended:
    """Append batches of the schema PANES in the running transaction.

    The batches are merged first, so that the rows written depend on the keys of a tick, not on its messages.
    """
    batches = [batch for batch in batches if batch.num_rows]
    if not batches:
        return PanesAppended({}, frozenset(), 0)
    coded = [_coded(batch, codes) for batch in batches]
    codes.write(cursor)
    merged = merge_rows(concatenate([panes for panes, _, _ in coded]), PANES)
    insert(cursor, "recent_panes", "minute", merged)
    if buckets := [part for _, part, _ in coded if part]:
        insert(cursor, "recent_buckets", "minute", merge_rows(concatenate(buckets), BUCKETS))
    if registers := [part for _, _, part in coded if part]:
        insert(cursor, "recent_registers", "minute", merge_rows(concatenate(registers), REGISTERS))
    return _touched(merged, codes)


def _touched(panes: Columns, codes: DictionaryCodes) -> PanesAppended:
    measures = {code: word for word, code in codes.known("measure").items()}
    units = {code: word for word, code in codes.known("unit").items()}
    earliest = {
        measures[int(code)]: int(panes["time"][panes["measure"] == code].min()) for code in np.unique(panes["measure"])
    }
    touched = frozenset(units[int(code)] for code in np.unique(panes["unit"]))
    return PanesAppended(earliest, touched, int(panes["n"].sum()))


def _coded(batch: pa.RecordBatch, codes: DictionaryCodes) -> tuple[Columns, Columns | None, Columns | None]:
    minute = batch.column("minute").to_numpy()
    began_ms = minute.astype(np.int64) * 60_000
    panes = {
        "measure": codes_of_column(batch.column("measure"), "measure", codes),
        "unit": codes_of_column(batch.column("unit"), "unit", codes),
        "subject": codes_of_column(batch.column("subject"), "subject", codes),
        "time": minute,
        "n": batch.column("n").to_numpy(),
        "sum": batch.column("sum").to_numpy(),
        "sum_squares": batch.column("sum_squares").to_numpy(),
        "least": batch.column("least").to_numpy(),
        "most": batch.column("most").to_numpy(),
        "first_at": began_ms + batch.column("first_ms").to_numpy(),
        "first": batch.column("first").to_numpy(),
        "last_at": began_ms + batch.column("last_ms").to_numpy(),
        "last": batch.column("last").to_numpy(),
    }
    return panes, _exploded(batch, "buckets", panes), _exploded(batch, "registers", panes)


def _exploded(batch: pa.RecordBatch, name: str, panes: Columns) -> Columns | None:
    """Return rows of a list column with the measure, unit and time of their pane; None when there are none."""
    lists = batch.column(name)
    if lists.null_count == len(lists):
        return None
    values = lists.flatten()
    if not len(values):
        return None
    parent = pc.list_parent_indices(lists).to_numpy()
    fields = {field.name: values.field(field.name).to_numpy() for field in values.type}
    return {"measure": panes["measure"][parent], "unit": panes["unit"][parent], "time": panes["time"][parent]} | fields
