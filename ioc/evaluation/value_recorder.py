"""Record the history of displayed values, in `kpi_values`."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa

from ioc.evaluation.aggregate_functions import NEVER
from ioc.evaluation.freshness import STATES, Column
from ioc.model.kpi import KpiDefinition
from ioc.store import Store, transaction
from ioc.store.times import naive

Written = tuple[str, Column]
"""Version of the definition, and values."""


class ValueRecorder:
    """Writes, once a minute, the values that look different from the last written.

    They differ in the definition's digits, in freshness, or in the version of the definition.
    """

    def __init__(self) -> None:
        self._minute: datetime | None = None
        self._written: dict[str, Written] = {}

    @property
    def written(self) -> Mapping[str, Written]:
        """The last written values of each KPI."""
        return self._written

    def resume(self, written: Mapping[str, Written]) -> None:
        """Set what was written last before a restart."""
        self._written = dict(written)

    def record(
        self,
        store: Store,
        shown: Sequence[tuple[KpiDefinition, Sequence[str], Column]],
        now: datetime,
    ) -> int:
        """Write the values; `shown` holds each definition with its units and their values.

        Return how many rows were written.

        It is 0 within the minute of the last write. Raises StoreUnavailable; the values are then written at the next
        call.
        """
        minute = now.replace(second=0, microsecond=0)
        if minute == self._minute or not shown:
            return 0
        tables = [self._differing(units, definition, column, now) for definition, units, column in shown]
        rows = pa.concat_tables(tables)
        if rows.num_rows:
            with store.cursor() as cursor, transaction(cursor, store.path):
                cursor.register("fresh_values", rows)
                cursor.execute("INSERT INTO kpi_values BY NAME SELECT * FROM fresh_values")
        self._minute = minute
        self._written = {definition.id: (definition.version, column) for definition, _, column in shown}
        return int(rows.num_rows)

    def _differing(self, units: Sequence[str], definition: KpiDefinition, column: Column, now: datetime) -> pa.Table:
        version, before = self._written.get(definition.id, ("", column))
        if version == definition.version and len(before.state) == len(column.state):
            same = (before.state == column.state) & np.isclose(
                np.round(before.value, definition.digits),
                np.round(column.value, definition.digits),
                rtol=0,
                atol=0.1**definition.digits / 2,
                equal_nan=True,
            )
            differ = np.flatnonzero(~same)
        else:
            differ = np.arange(len(column.state))
        size = len(differ)
        as_of = column.as_of[differ]
        return pa.table(
            {
                "kpi": pa.repeat(definition.id, size),
                "unit": pa.array([units[position] for position in differ.tolist()], pa.string()),
                "evaluated_at": pa.repeat(pa.scalar(naive(now), pa.timestamp("us")), size),
                "as_of": pa.array(as_of, pa.timestamp("ms"), mask=as_of == NEVER),
                "value": pa.array(column.value[differ], pa.float64(), mask=np.isnan(column.value[differ])),
                "samples": pa.array(column.samples[differ], pa.int64()),
                "freshness": pa.array([STATES[state].value for state in column.state[differ]], pa.string()),
                "definition_version": pa.repeat(definition.version, size),
            }
        )
