"""The sketches of panes, all the way: readings reduced in batches, merged, and asked."""

from itertools import pairwise

import numpy as np
import pytest

from ioc.wire.sketches import distinct_counts, quantiles
from streams.reduce import reduce
from tests.support.reading_batches import INPUT_MS, batch, merged, row, vocabulary

VOCABULARY = vocabulary()


@pytest.mark.parametrize("q", [0.0, 0.05, 0.5, 0.95, 0.99, 1.0])
@pytest.mark.parametrize("scale", [0.001, 1.0, 3000.0], ids=["thousandths", "ones", "thousands"])
def test_quantile_of_merged_batches_is_within_one_percent(q: float, scale: float) -> None:
    values = np.random.default_rng(5).lognormal(0, 1.5, 6000) * scale
    values[:100] = 0
    rows = [row(f"{n % 60} {value:.17g}", "latency") for n, value in enumerate(values.tolist())]
    [pane] = merged(reduce(batch(rows[n::3]), VOCABULARY, INPUT_MS).panes for n in range(3)).values()
    buckets = np.array(list(pane["buckets"]))
    counts = np.array(list(pane["buckets"].values()))
    [estimate] = quantiles(np.zeros(len(buckets), np.int64), buckets, counts, q, 1)
    exact = np.sort(values)[int(q * (len(values) - 1))]
    assert abs(estimate - exact) <= 0.0100001 * exact


@pytest.mark.parametrize("subjects", [0, 1, 10, 1000, 20_000])
def test_distinct_count_of_merged_batches_is_within_two_percent(subjects: int) -> None:
    rows = [row(f"{n % 60} 1 S{n}", "seen") for n in range(subjects)] * 2
    rows.append(row("0 1", "seen"))  # no subject: counts in n, not among the subjects
    [pane] = merged(reduce(batch(rows[n::3]), VOCABULARY, INPUT_MS).panes for n in range(3)).values()
    assert pane["n"] == len(rows)
    ranks = np.array(list(pane["registers"].values()), np.int64)
    [estimate] = distinct_counts(np.zeros(len(ranks), np.int64), ranks, 1)
    assert abs(estimate - subjects) <= 0.02 * subjects


def test_lists_are_in_order_and_name_each_place_once() -> None:
    rows = [row(f"{n} {n % 7 - 3} S{n % 5}", measure) for n in range(60) for measure in ("seen", "latency", "level")]
    fit = [r for r in rows if r["value"] >= 0 or r["measure"] == "level"]
    for pane in reduce(batch(fit), VOCABULARY, INPUT_MS).panes.to_pylist():
        for kind, place, measure in (("buckets", "bucket", "latency"), ("registers", "register", "seen")):
            assert (pane[kind] is not None) == (pane["measure"] == measure)
            places = [item[place] for item in pane[kind] or []]
            assert all(a < b for a, b in pairwise(places))
