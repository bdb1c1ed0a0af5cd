"""Remember the keys of the records that a source has sent, up to MAX_KEYS: in memory, and on disk across restarts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
"""One 64-bit key per record."""
Marks = npt.NDArray[np.uint32]
"""One 32-bit number per record, which differs where the value does."""
NO_KEY = np.uint64(0)
"""Stands for a record without a key."""
MAX_KEYS = 1_000_000
"""Keys that are remembered per source, 12 bytes each.

A key is forgotten only after at least MAX_KEYS / 2 other keys have come since it was last seen.
"""
FRESH, REPEAT, CONFLICT = 0, 1, 2
_MIN_BULK = 4096
_MAX_RECENT = 20_000
_ROW = np.dtype([("key", "<u8"), ("mark", "<u4")])

Verdicts = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class KeyRows:
    """Keys with their marks; both arrays have the same length."""

    keys: Keys
    marks: Marks

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def joined(cls, parts: list[KeyRows]) -> KeyRows:
        """Return the rows of all parts, in order."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return NO_ROWS
        return cls(np.concatenate([p.keys for p in parts]), np.concatenate([p.marks for p in parts]))


NO_ROWS = KeyRows(np.empty(0, np.uint64), np.empty(0, np.uint32))


_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(32)


def mix_columns(columns: Sequence[Keys]) -> Keys:
    """Return one key per row out of several columns; never NO_KEY."""
    combined = np.full(len(columns[0]), 1, np.uint64)
    for column in columns:
        combined = (combined ^ column) * _MIX
        combined ^= combined >> _SHIFT
    return np.where(combined == NO_KEY, np.uint64(1), combined)


def marks_of(values: npt.NDArray[np.float64]) -> Marks:
    """Return a mark for each value; never 0. Zero and minus zero have the same."""
    bits = (values + 0.0).view(np.uint64) * _MIX
    bits ^= bits >> _SHIFT
    marks: Marks = (bits * _MIX >> _SHIFT).astype(np.uint32) | np.uint32(1)
    return marks


class KnownKeys:
    """Known keys in memory.

    The most recent ones are in a dictionary, the others in sorted arrays: Python objects would take ten times as much
    memory.
    """

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._half = max_keys // 2
        self._recent: dict[int, int] = {}
        self._newer = NO_ROWS
        self._older = NO_ROWS

    def classify(self, rows: KeyRows) -> tuple[Verdicts, KeyRows]:
        """Return per row FRESH, REPEAT (known with the same mark) or CONFLICT (with another), and what to keep on disk.

        To keep are the fresh keys, and those that would soon have been forgotten. All keys are known from now on.
        NO_KEY is always FRESH.
        """
        if len(self._recent) > _MAX_RECENT:
            self._settle()
        if len(self._newer) + len(self._recent) > self._half:
            self._settle()
            self._older, self._newer = self._newer, NO_ROWS
        keys, marks = rows.keys, rows.marks
        if len(keys) >= _MIN_BULK and (added := self._all_fresh(rows)) is not None:
            return np.zeros(len(keys), np.uint8), added
        verdicts = np.zeros(len(keys), np.uint8)
        known, aged = np.zeros(len(keys), np.bool_), np.zeros(len(keys), np.bool_)
        held_marks = marks.copy()
        for kept, is_older in ((self._older, True), (self._newer, False)):
            at, there = _locate(kept, keys)
            held_marks[there] = kept.marks[at[there]]
            known |= there
            aged = there if is_older else aged & ~there
        verdicts[known] = np.where(held_marks[known] == marks[known], REPEAT, CONFLICT)
        added_rows = []
        for row in np.flatnonzero((~known | aged) & (keys != NO_KEY)).tolist():
            key = int(keys[row])
            before = self._recent.get(key)
            if before is None:
                self._recent[key] = int(held_marks[row])
                added_rows.append(row)
            elif not known[row]:
                verdicts[row] = REPEAT if before == int(marks[row]) else CONFLICT
        return verdicts, KeyRows(keys[added_rows], held_marks[added_rows])

    def restore(self, parts: Iterable[KeyRows]) -> None:
        """Learn what `KeyFile.load` yields; call it before anything else."""
        for part in parts:
            keys, at = np.unique(part.keys, return_index=True)
            self._older, self._newer = self._newer, KeyRows(keys, part.marks[at])

    def knows(self, keys: Keys) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return for each key whether it is known, and whether it would be forgotten next; none becomes known."""
        newer = np.array([key in self._recent for key in keys.tolist()], np.bool_) | _locate(self._newer, keys)[1]
        older = _locate(self._older, keys)[1]
        return newer | older, older & ~newer

    def contradicts(self, rows: KeyRows) -> npt.NDArray[np.bool_]:
        """Return for each key whether it is known with another mark; none becomes known."""
        self._settle()
        differs = np.zeros(len(rows), np.bool_)
        for kept in (self._older, self._newer):
            at, there = _locate(kept, rows.keys)
            differs[there] = kept.marks[at[there]] != rows.marks[there]
        return differs

    def forget(self, keys: Keys) -> None:
        """Forget keys whose records were not kept after all."""
        for key in keys.tolist():
            self._recent.pop(key, None)
        stays = ~np.isin(self._newer.keys, keys)
        self._newer = KeyRows(self._newer.keys[stays], self._newer.marks[stays])

    def _all_fresh(self, rows: KeyRows) -> KeyRows | None:
        """Add many rows at once if all keys are new and differ; else return None and add nothing."""
        self._settle()
        order = np.argsort(rows.keys)
        ordered = KeyRows(rows.keys[order], rows.marks[order])
        first = int(np.searchsorted(ordered.keys, NO_KEY, "right"))
        ordered = KeyRows(ordered.keys[first:], ordered.marks[first:])
        repeats = (ordered.keys[1:] == ordered.keys[:-1]).any()
        if repeats or any(_locate(kept, ordered.keys)[1].any() for kept in (self._older, self._newer)):
            return None
        self._newer = _merged(self._newer, ordered)
        return ordered

    def _settle(self) -> None:
        if self._recent:
            keys = np.fromiter(self._recent.keys(), np.uint64, len(self._recent))
            marks = np.fromiter(self._recent.values(), np.uint32, len(self._recent))
            order = np.argsort(keys)
            self._newer = _merged(self._newer, KeyRows(keys[order], marks[order]))
            self._recent = {}


class KeyFile:
    """The files `<data_dir>/keys/<source>.keys` and `.older`: keys in the order in which the broker acknowledged them.

    A key is written after its record is in the log and before the checkpoint moves past it, so what a crash leaves out
    is read back from the log. Used by one thread at a time.
    """

    def __init__(self, data_dir: Path, source: str, max_keys: int = MAX_KEYS) -> None:
        folder = data_dir / "keys"
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{source}.keys"
        self._older_path = folder / f"{source}.older"
        self._half = max_keys // 2

    def load(self) -> Iterator[KeyRows]:
        """Yield the older keys first; a row that a crash cut off is left out."""
        for path in (self._older_path, self._path):
            if path.exists():
                content = path.read_bytes()
                rows = np.frombuffer(content, _ROW, len(content) // _ROW.itemsize)
                yield KeyRows(rows["key"].astype(np.uint64), rows["mark"].astype(np.uint32))

    def append(self, added: KeyRows) -> None:
        """Add keys; they are on disk when this returns. Raises OSError."""
        rows = np.empty(len(added), _ROW)
        rows["key"], rows["mark"] = added.keys, added.marks
        with self._path.open("ab") as file:
            if cut_off := file.tell() % _ROW.itemsize:
                file.truncate(file.tell() - cut_off)
            file.write(rows.tobytes())
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        if size // _ROW.itemsize > self._half:
            self._path.replace(self._older_path)
            self._path.touch()


def _locate(kept: KeyRows, keys: Keys) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Return for each key its position among the kept ones, and whether it is there."""
    if not len(kept):
        return np.zeros(len(keys), np.intp), np.zeros(len(keys), np.bool_)
    at = np.minimum(np.searchsorted(kept.keys, keys), len(kept) - 1)
    return at, kept.keys[at] == keys


def _merged(kept: KeyRows, ordered: KeyRows) -> KeyRows:
    at = np.searchsorted(kept.keys, ordered.keys)
    return KeyRows(np.insert(kept.keys, at, ordered.keys), np.insert(kept.marks, at, ordered.marks))
