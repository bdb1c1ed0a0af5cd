"""Convert simulated tables to Arrow batches of the wire's schemas, without a Python object per row."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ioc.demo.noise import Ints
from ioc.demo.places import World
from ioc.demo.world.cases import NEVER, RECEIVED, Versions
from ioc.demo.world.readings import MEASURES, NO_SUBJECT, SUBJECTS, Readings
from ioc.wire.schemas import CASES, READINGS, SUBJECT, TERM, TIME


def reading_rows(world: World, readings: Readings) -> pa.RecordBatch:
    """Return the readings as a batch, in their order."""
    return pa.RecordBatch.from_arrays(
        [
            _coded(readings.measure, MEASURES, TERM),
            _coded(readings.unit, world.units, TERM),
            _coded(readings.subject, SUBJECTS, SUBJECT, readings.subject == NO_SUBJECT),
            pa.array(readings.time_ms).cast(TIME),
            pa.array(readings.value),
        ],
        schema=READINGS,
    )


def case_rows(world: World, tables: Sequence[Versions]) -> pa.RecordBatch:
    """Return several tables of versions as one batch, one after the other."""
    batches = [_version_rows(world, versions) for versions in tables if len(versions)]
    if not batches:
        return pa.RecordBatch.from_pylist([], schema=CASES)
    return pa.Table.from_batches(batches).unify_dictionaries().combine_chunks().to_batches()[0]


def _version_rows(world: World, versions: Versions) -> pa.RecordBatch:
    cases, row, step = versions.cases, versions.row, versions.step
    words, closed = cases.words, step >= cases.closing
    attributes = np.where(closed, cases.attributes_closed[row], cases.attributes[row])
    no_service = np.array([service == "" for service in words.services])[cases.service[row]]
    no_channel = np.array([channel == "" for channel in words.channels])[cases.channel[row]]
    due = cases.due_ms[row]
    return pa.RecordBatch.from_arrays(
        [
            _coded(np.zeros(len(row), np.int64), (words.case_type,), TERM),
            _case_ids(versions),
            _coded(cases.unit[row], world.units, TERM),
            _coded(cases.step_status[row, step], words.statuses, TERM),
            _coded(cases.channel[row], words.channels, TERM, no_channel),
            _coded(cases.service[row], words.services, SUBJECT, no_service),
            pa.array(cases.step_ms[row, RECEIVED]).cast(TIME),
            pa.array(due, mask=due == NEVER).cast(TIME),
            pa.array(cases.step_ms[row, cases.closing], mask=~closed).cast(TIME),
            pa.array(cases.step_ms[row, step]).cast(TIME),
            pa.array(words.attributes, pa.string()).take(pa.array(attributes)),
        ],
        schema=CASES,
    )


def _case_ids(versions: Versions) -> pa.Array:
    """Return ids as `Cases.case_id` does."""
    cases, row = versions.cases, versions.row
    day = pc.strftime(pa.array(cases.day[row].astype("datetime64[D]")), format="%y%m%d")
    unit = pc.utf8_lpad(pa.array(cases.unit[row] + 10).cast(pa.string()), 2, "0")
    number = pc.utf8_lpad(pa.array(cases.number[row]).cast(pa.string()), 4, "0")
    head = pc.binary_join_element_wise(pa.scalar(cases.words.prefix), unit, "")
    return pc.binary_join_element_wise(head, day, number, "-")


def _coded(codes: Ints, words: Sequence[str], kind: pa.DictionaryType, absent: np.ndarray | None = None) -> pa.Array:
    indices = pa.array(codes.astype(kind.index_type.to_pandas_dtype()), mask=absent)
    return pa.DictionaryArray.from_arrays(indices, pa.array(words, pa.string()))
