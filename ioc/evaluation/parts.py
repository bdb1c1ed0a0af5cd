"""Rows of panes and their merge, as columns of numpy arrays.

A part is a mapping from column to array, all of one length: the key columns of its kind and what it merges.

    panes      measure, unit          → n, sum, sum_squares, least, most, newest (ms since 1970)
    subjects   measure, unit, subject → n, last_at (ms since 1970), last
    buckets    measure, unit, bucket  → n
    registers  measure, unit, register → rank
    hours      measure, unit, hour (since 1970 UTC) → n, sum
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Part = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Kind:
    """`key` besides measure and unit; how each column merges: in SQL, and as a ufunc. The last by (last_at, last) holds
    where `latest`."""

    table: str
    key: tuple[str, ...]
    sql: dict[str, str]
    merges: dict[str, np.ufunc]
    latest: bool = False


KINDS = {
    "panes": Kind(
        "panes",
        (),
        {
            "n": "sum(n)::BIGINT",
            "sum": "sum(sum)",
            "sum_squares": "sum(sum_squares)",
            "least": "min(least)",
            "most": "max(most)",
            "newest": "max(last_at)",
        },
        {
            "n": np.add,
            "sum": np.add,
            "sum_squares": np.add,
            "least": np.minimum,
            "most": np.maximum,
            "newest": np.maximum,
        },
    ),
    "subjects": Kind(
        "panes",
        ("subject",),
        {"n": "sum(n)::BIGINT", "last_at": "max(last_at)", "last": "arg_max(last, {'a': last_at, 'b': last})"},
        {"n": np.add},
        latest=True,
    ),
    "buckets": Kind("buckets", ("bucket",), {"n": "sum(n)::BIGINT"}, {"n": np.add}),
    "hours": Kind("panes", ("hour",), {"n": "sum(n)::BIGINT", "sum": "sum(sum)"}, {"n": np.add, "sum": np.add}),
    "registers": Kind("registers", ("register",), {"rank": "max(rank)"}, {"rank": np.maximum}),
}


def merged(kind: Kind, parts: Sequence[Part], key: Sequence[str]) -> Part:
    """One row a key, in the order of the keys; at least one part, any of them may be empty."""
    whole = {name: np.concatenate([part[name] for part in parts]) for name in (*key, *kind.sql)}
    if len(whole[key[0]]) == 0:
        return whole
    ties = (whole["last"], whole["last_at"]) if kind.latest else ()
    order = np.lexsort((*ties, *(whole[name] for name in reversed(key))))
    whole = {name: values[order] for name, values in whole.items()}
    first = np.ones(len(order), np.bool_)
    first[1:] = np.logical_or.reduce([whole[name][1:] != whole[name][:-1] for name in key])
    starts = np.flatnonzero(first)
    answer = {name: whole[name][starts] for name in key}
    for name, merge in kind.merges.items():
        answer[name] = merge.reduceat(whole[name], starts)
    if kind.latest:
        ends = np.append(starts[1:], len(order)) - 1
        answer |= {"last_at": whole["last_at"][ends], "last": whole["last"][ends]}
    return answer


def rows(part: Part, mask: NDArray[np.bool_]) -> Part:
    """The rows of a part where the mask holds."""
    return {name: values[mask] for name, values in part.items()}
