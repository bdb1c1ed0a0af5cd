"""Records that a source sends again, known by their keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from connectors.record_keys import Keys, RecordKeys, case_keys, reading_keys
from connectors.sealing import SCHEMAS
from ioc import topics
from ioc.errors import BatchMalformed
from ioc.model.measure import Measure
from ioc.wire import arrow

Batches = dict[str, pa.RecordBatch | None]


class Repeats:
    """The keys of the records taken lately. `measures` gives the measures in force, which tell gauges from deltas."""

    def __init__(self, measures: Callable[[], Mapping[str, Measure]]) -> None:
        self._measures = measures
        self._keys = RecordKeys()

    def drop(self, batches: Batches) -> tuple[Batches, dict[str, int], list[Keys]]:
        """The batches by topic without records seen before, the number dropped by topic, and the keys that are new."""
        kept, dropped, new = dict(batches), dict[str, int](), list[Keys]()
        for topic, batch in batches.items():
            if batch is None or not batch.num_rows:
                continue
            keys = self._keys_of(topic, batch)
            fresh = self._keys.take(keys, time.monotonic())
            new.append(keys[fresh])
            if not fresh.all():
                kept[topic] = batch.filter(pa.array(fresh))
                dropped[topic] = batch.num_rows - int(np.count_nonzero(fresh))
        return kept, dropped, new

    def forget(self, keys: Sequence[Keys]) -> None:
        """The records were not kept after all."""
        for some in keys:
            self._keys.forget(some)

    def learn(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """What an earlier writer has sent, as topic and value; values that cannot be read are passed over."""
        for topic, value in messages:
            try:
                batch, _ = arrow.decode(value, SCHEMAS[topic])
            except BatchMalformed:
                continue
            self._keys.take(self._keys_of(topic, batch), time.monotonic())

    def _keys_of(self, topic: str, batch: pa.RecordBatch) -> Keys:
        return reading_keys(batch, self._measures()) if topic == topics.READINGS else case_keys(batch)


class AllTaken(Repeats):
    """For a source that never sends a record again: nothing is remembered."""

    def drop(self, batches: Batches) -> tuple[Batches, dict[str, int], list[Keys]]:
        return batches, {}, []

    def learn(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Nothing: `messages` are not even read."""
        del messages
