"""Mergeable sketches of a pane: a histogram for quantiles, registers for distinct counts.

Buckets  After DDSketch (Masson, Rim, Lee 2019): bucket i > 0 holds the values in (γ^(i-1), γ^i] × MIN_MAGNITUDE with
         γ = (1 + a) / (1 - a), a = 1 %; bucket 0 the values within ±MIN_MAGNITUDE, bucket -i the negatives of bucket
         i. So buckets are in the order of their values, and a quantile is within 1 % of the value at its rank.
Registers  HyperLogLog (Flajolet et al. 2007) with 2^14 registers of a 64-bit hash, estimated after Ertl (2017):
         standard error 0.8 %, less below ten thousand subjects.
Both merge in any order, by adding counts or by keeping the greatest rank of a register.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.integer[Any]]
Real = NDArray[np.float64]

RELATIVE_ERROR = 0.01
MIN_MAGNITUDE = 1e-9
GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG_GAMMA = float(np.log(GAMMA))
_LOG_LEAST = float(np.log(MIN_MAGNITUDE))
_LAST_BUCKET = 32_767

PRECISION = 14
REGISTERS = 1 << PRECISION
_HIGHEST_RANK = 64 - PRECISION
_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def buckets_of(values: Real) -> NDArray[np.int16]:
    """Return the bucket of each finite value."""
    magnitude = np.maximum(np.abs(values), MIN_MAGNITUDE)
    index = np.ceil((np.log(magnitude) - _LOG_LEAST) / _LOG_GAMMA)
    return np.copysign(np.minimum(index, _LAST_BUCKET), values).astype(np.int16)


def bucket_values(buckets: Whole) -> Real:
    """Return the value that represents each bucket: off by at most 1 % from any value in it."""
    middle = 2 / (GAMMA + 1) * MIN_MAGNITUDE * np.exp(np.abs(buckets).astype(np.float64) * _LOG_GAMMA)
    return np.where(buckets == 0, 0.0, np.copysign(middle, buckets))


def quantiles(groups: Whole, buckets: Whole, counts: Whole, q: float, size: int) -> Real:
    """Return quantile `q` of each group 0 … size - 1, NaN for a group without rows.

    The three columns have one length and any order; a bucket may repeat within its group. The quantile is the value at
    rank ⌊q (n - 1)⌋ of the n values in order, from 0.
    """
    answer = np.full(size, np.nan)
    if len(groups) == 0:
        return answer
    order = np.lexsort((buckets, groups))
    groups, buckets, counts = groups[order], buckets[order], counts[order]
    totals = np.bincount(groups, weights=counts, minlength=size)
    before = np.concatenate(([0.0], np.cumsum(totals)[:-1]))
    cumulated = np.cumsum(counts, dtype=np.float64)
    filled = np.flatnonzero(totals > 0)
    rank = before[filled] + np.floor(q * (totals[filled] - 1))
    answer[filled] = bucket_values(buckets[np.searchsorted(cumulated, rank, side="right")])
    return answer


def registers_of(subjects: Sequence[str]) -> tuple[NDArray[np.int16], NDArray[np.int8]]:
    """Return register and rank of each subject; the same in every process."""
    hashes = _hashes(subjects)
    register = (hashes >> np.uint64(64 - PRECISION)).astype(np.int16)
    # The rank is the position of the highest set bit of the rest: exact, since the rest has 50 bits and a double 53.
    rest = (hashes & np.uint64((1 << (64 - PRECISION)) - 1)).astype(np.float64)
    rank = _HIGHEST_RANK + 1 - np.frexp(rest)[1]
    return register, np.minimum(rank, _HIGHEST_RANK).astype(np.int8)


def distinct_counts(groups: Whole, ranks: Whole, size: int) -> Real:
    """Estimate the number of subjects of each group 0 … size - 1; 0 for a group without rows.

    There is one row per (group, register that is set), with the register's greatest rank.
    """
    width = _HIGHEST_RANK + 1
    table = np.bincount(groups * width + ranks.astype(np.int64), minlength=size * width).reshape(size, width)
    occupied = table[:, 1:].sum(axis=1)
    z = np.zeros(size)
    for rank in range(_HIGHEST_RANK, 0, -1):
        z = (z + table[:, rank]) / 2
    z += REGISTERS * _sigma((REGISTERS - occupied) / REGISTERS)
    return np.where(occupied > 0, REGISTERS**2 / (2 * np.log(2)) / z, 0.0)


def _sigma(share_empty: Real) -> Real:
    """Return Ertl's σ, the contribution of empty registers: x + Σ x^(2^k) 2^(k-1); infinite at 1."""
    x = np.where(share_empty < 1, share_empty, 0.0)
    total, weight = x.copy(), 1.0
    for _ in range(64):
        x = x * x
        total += x * weight
        weight *= 2
    return np.where(share_empty < 1, total, np.inf)


def _hashes(subjects: Sequence[str]) -> NDArray[np.uint64]:
    """Return 64-bit hashes of UTF-8 texts, eight bytes at a time; zero padding adds nothing."""
    if len(subjects) == 0:
        return np.zeros(0, np.uint64)
    texts = np.array([subject.encode() for subject in subjects], dtype=np.bytes_)
    width = -(-texts.dtype.itemsize // 8)
    lanes = texts.astype(f"S{width * 8}").view("<u8").reshape(len(subjects), width)
    hashes = np.full(len(subjects), _ODD[0])
    for lane in lanes.T:
        hashes = np.where(lane != 0, _mix(hashes ^ lane), hashes)
    return _mix(hashes)


def _mix(word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Apply the finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    word = word + _ODD[0]
    word = (word ^ (word >> np.uint64(30))) * _ODD[1]
    word = (word ^ (word >> np.uint64(27))) * _ODD[2]
    return word ^ (word >> np.uint64(31))
