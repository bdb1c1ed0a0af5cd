"""Merge rows of panes, buckets and registers: any order and any split of the same rows gives the same result."""

from collections.abc import Sequence

import numpy as np

from ioc.panes.group_by import Grouping
from ioc.panes.schema import Columns, Merge, RowShape


def concatenate(parts: Sequence[Columns]) -> Columns:
    """Return all rows of the parts, which must have the same columns. Raises IndexError without parts."""
    return parts[0] if len(parts) == 1 else {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def merge_rows(columns: Columns, shape: RowShape, key: Sequence[str] | None = None) -> Columns:
    """Return one row per key, in the order of the keys.

    `key` names the columns that tell rows apart; by default those of the shape.
    """
    key = shape.key if key is None else key
    if len(columns[key[0]]) == 0:
        return {name: columns[name] for name in (*key, *shape.values)}
    grouping = Grouping.of(columns, key).compact()
    members = grouping.members()
    merged = {name: columns[name][members] for name in key}
    for name, merge in shape.merges.items():
        values = columns[name]
        match merge:
            case Merge.SUM:
                merged[name] = grouping.sums(values)
            case Merge.MIN:
                merged[name] = grouping.minima(values)
            case Merge.MAX:
                merged[name] = grouping.maxima(values)
    for pair in shape.timed:
        times, values = columns[pair.time], columns[pair.value]
        found = grouping.first(times, values) if pair.merge is Merge.MIN else grouping.last(times, values)
        merged[pair.time], merged[pair.value] = found
    return merged
