"""Keys are remembered for as long as promised, in memory and across restarts."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from connectors.known_keys import CONFLICT, FRESH, NO_KEY, REPEAT, KeyFile, KeyRows, KnownKeys

HALF = 5_000


def rows(*keys: int, mark: int = 1) -> KeyRows:
    return KeyRows(np.array(keys, np.uint64), np.full(len(keys), mark, np.uint32))


def many(start: int, n: int) -> KeyRows:
    return KeyRows(np.arange(start, start + n, dtype=np.uint64), np.ones(n, np.uint32))


def test_a_key_is_fresh_once_and_contradicted_by_another_mark() -> None:
    known = KnownKeys()
    assert known.classify(rows(7, 7, 8))[0].tolist() == [FRESH, REPEAT, FRESH]
    assert known.classify(rows(7, 9, mark=2))[0].tolist() == [CONFLICT, FRESH]
    assert known.classify(rows(7))[0].tolist() == [REPEAT]
    assert known.classify(rows(int(NO_KEY), int(NO_KEY)))[0].tolist() == [FRESH, FRESH]


@pytest.mark.parametrize("batch", [100, 4500], ids=["few at a time", "many at a time"])
def test_a_key_that_is_seen_again_is_not_forgotten(batch: int) -> None:
    """The same rows in every round of a poll, beside ever new ones."""
    known = KnownKeys(2 * HALF)
    standing = many(1, 300)
    known.classify(standing)
    for start in range(1_000_000, 1_000_000 + 8 * HALF, batch):
        assert (known.classify(many(start, batch))[0] == FRESH).all()
        assert (known.classify(standing)[0] == REPEAT).all()
    assert not known.knows(many(1_000_000, 100).keys)[0].any(), "the memory is bounded"


@pytest.mark.parametrize("seed", range(3))
def test_judged_as_a_dictionary_would(seed: int, tmp_path: Path) -> None:
    """With restarts in between, from what was saved and what the log gives again."""
    rng = random.Random(seed)
    held: dict[int, int] = {}
    known, file = KnownKeys(), KeyFile(tmp_path, "s")
    unsaved: list[KeyRows] = []
    for _ in range(60):
        size = rng.choice([1, 5, 300, 5000])
        keys = np.array([rng.randrange(1, 20_000) for _ in range(size)], np.uint64)
        marks = np.array([rng.randrange(1, 3) for _ in range(size)], np.uint32)
        expected = []
        for key, mark in zip(keys.tolist(), marks.tolist(), strict=True):
            before = held.setdefault(key, mark) if key in held else None
            held.setdefault(key, mark)
            expected.append(FRESH if before is None else REPEAT if before == mark else CONFLICT)
        verdicts, added = known.classify(KeyRows(keys, marks))
        assert verdicts.tolist() == expected
        unsaved.append(added)
        if rng.random() < 0.3:
            file.append(KeyRows.joined(unsaved))
            unsaved = []
        if rng.random() < 0.15:
            known, file = KnownKeys(), KeyFile(tmp_path, "s")
            known.restore(file.load())
            for left in unsaved:
                known.classify(left)
    assert known.knows(np.array(list(held), np.uint64))[0].all()


def test_what_was_not_kept_is_not_known() -> None:
    known = KnownKeys()
    for batch in (many(1, 3), many(10, 5000)):
        known.classify(batch)
        known.forget(batch.keys)
        assert (known.classify(batch)[0] == FRESH).all()


def test_the_file_is_bounded_and_survives_a_torn_end(tmp_path: Path) -> None:
    file = KeyFile(tmp_path, "s", 2 * HALF)
    for start in range(1, 6 * HALF, 1000):
        file.append(many(start, 1000))
    with (tmp_path / "keys" / "s.keys").open("ab") as torn:
        torn.write(b"\x01\x02\x03")
    file.append(rows(99_999_999))
    known = KnownKeys(2 * HALF)
    known.restore(KeyFile(tmp_path, "s", 2 * HALF).load())
    assert known.knows(np.array([99_999_999], np.uint64))[0].all()
    assert known.knows(many(6 * HALF - HALF, HALF - 1000).keys)[0].all()
    assert sum(path.stat().st_size for path in (tmp_path / "keys").iterdir()) <= 12 * (2 * HALF + 2000)
