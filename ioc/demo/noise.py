"""Random numbers without state: the same seed, name and keys always give the same number.

Each number is a hash (the finalizer of SplitMix64) of the seed, the name of what is drawn, and whole-number keys.
"""

from typing import Any, Protocol
from zlib import crc32

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Keys = Ints | int

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_TO_UNIT = 2.0**-53
_PIECE = np.uint64(0x1FFFFF)


class Draw(Protocol):
    """Returns uniform numbers in [0, 1) for a name, one for each row of a table."""

    def __call__(self, what: str) -> Floats: ...


def _hash(seed: int, what: str, keys: tuple[Keys, ...]) -> Hashes:
    with np.errstate(over="ignore"):
        state = np.asarray(np.uint64(seed) * _STEP ^ np.uint64(crc32(what.encode())))
        for key in keys:
            state = (state ^ np.asarray(key).astype(np.uint64)) * _STEP + _STEP
            state = (state ^ (state >> np.uint64(30))) * _MIX_1
            state = (state ^ (state >> np.uint64(27))) * _MIX_2
            state = state ^ (state >> np.uint64(31))
    return np.asarray(state, np.uint64)


def uniform(seed: int, what: str, *keys: Keys) -> Floats:
    """Return uniform numbers in [0, 1); the shape is that of the keys broadcast together."""
    return np.asarray((_hash(seed, what, keys) >> np.uint64(11)).astype(np.float64) * _TO_UNIT)


def spread(seed: int, what: str, *keys: Keys) -> Floats:
    """Return numbers with mean 0 and standard deviation 1, within ±3: sums of three uniform numbers, nearly normal."""
    hashes = _hash(seed, what, keys)
    pieces = (hashes & _PIECE) + ((hashes >> np.uint64(21)) & _PIECE) + ((hashes >> np.uint64(42)) & _PIECE)
    return np.asarray(pieces.astype(np.float64) / float(_PIECE) * 2 - 3)


def drift(seed: int, what: str, position: Floats, *keys: Keys) -> Floats:
    """Return a smooth drift within ±1 along `position`, with a new direction at each whole number, as weather has."""
    knot = np.floor(position)
    left = uniform(seed, what, knot.astype(np.int64), *keys)
    right = uniform(seed, what, knot.astype(np.int64) + 1, *keys)
    part = position - knot
    eased = part * part * (3 - 2 * part)
    return np.asarray(2 * (left + (right - left) * eased) - 1)


def counts(expected: npt.NDArray[np.floating[Any]], chance: Floats) -> Ints:
    """Return whole numbers whose mean is `expected` (≥ 0): a fraction is rounded up with that probability."""
    return np.asarray(np.floor(np.maximum(expected, 0) + chance), np.int64)


def hit(seed: int, what: str, probability: float, *keys: Keys) -> npt.NDArray[np.bool_]:
    """Return True with the given probability."""
    return np.asarray(uniform(seed, what, *keys) < probability)
