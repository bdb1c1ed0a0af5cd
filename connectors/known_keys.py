"""Keys of the records that a source has sent, as many as MAX_KEYS: in memory, and on disk across restarts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from connectors.record_keys import NO_KEY, Keys, Marks

MAX_KEYS = 1_000_000
"""Keys that are remembered per source, 12 bytes each. A key is forgotten only after at least MAX_KEYS / 2 other keys
have come since it was last seen."""
FRESH, REPEAT, CONFLICT = 0, 1, 2
_MANY = 4096
_MAX_FEW = 20_000
_ROW = np.dtype([("key", "<u8"), ("mark", "<u4")])

Verdicts = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class KeyRows:
    """Keys with their marks, of one length."""

    keys: Keys
    marks: Marks

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def joined(cls, parts: list[KeyRows]) -> KeyRows:
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return NO_ROWS
        return cls(np.concatenate([p.keys for p in parts]), np.concatenate([p.marks for p in parts]))


NO_ROWS = KeyRows(np.empty(0, np.uint64), np.empty(0, np.uint32))


class KnownKeys:
    """Known keys in memory. Few at a time are kept in a dictionary; many in sorted arrays, where Python objects would
    cost ten times as much."""

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._half = max_keys // 2
        self._few: dict[int, int] = {}
        self._newer = NO_ROWS
        self._older = NO_ROWS

    def judge(self, rows: KeyRows) -> tuple[Verdicts, KeyRows]:
        """FRESH, REPEAT (known with the same mark) or CONFLICT (with another) per row, and what is to be kept on disk:
        the fresh keys, and those that would soon have been forgotten. All are known from now on. NO_KEY is FRESH."""
        if len(self._few) > _MAX_FEW:
            self._settle()
        if len(self._newer) + len(self._few) > self._half:
            self._settle()
            self._older, self._newer = self._newer, NO_ROWS
        keys, marks = rows.keys, rows.marks
        if len(keys) >= _MANY and (added := self._all_fresh(rows)) is not None:
            return np.zeros(len(keys), np.uint8), added
        verdicts = np.zeros(len(keys), np.uint8)
        known, aged = np.zeros(len(keys), np.bool_), np.zeros(len(keys), np.bool_)
        held_marks = marks.copy()
        for kept, is_older in ((self._older, True), (self._newer, False)):
            at, there = _found(kept, keys)
            held_marks[there] = kept.marks[at[there]]
            known |= there
            aged = there if is_older else aged & ~there
        verdicts[known] = np.where(held_marks[known] == marks[known], REPEAT, CONFLICT)
        added_rows = []
        for row in np.flatnonzero((~known | aged) & (keys != NO_KEY)).tolist():
            key = int(keys[row])
            before = self._few.get(key)
            if before is None:
                self._few[key] = int(held_marks[row])
                added_rows.append(row)
            elif not known[row]:
                verdicts[row] = REPEAT if before == int(marks[row]) else CONFLICT
        return verdicts, KeyRows(keys[added_rows], held_marks[added_rows])

    def restore(self, parts: Iterable[KeyRows]) -> None:
        """Take what `KeyFile.load` gives, before anything else."""
        for part in parts:
            keys, at = np.unique(part.keys, return_index=True)
            self._older, self._newer = self._newer, KeyRows(keys, part.marks[at])

    def knows(self, keys: Keys) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Whether each key is known, and whether it would be forgotten next; none becomes known by it."""
        newer = np.array([key in self._few for key in keys.tolist()], np.bool_) | _found(self._newer, keys)[1]
        older = _found(self._older, keys)[1]
        return newer | older, older & ~newer

    def contradicts(self, rows: KeyRows) -> npt.NDArray[np.bool_]:
        """Whether each key is known with another mark; none becomes known by it."""
        self._settle()
        differs = np.zeros(len(rows), np.bool_)
        for kept in (self._older, self._newer):
            at, there = _found(kept, rows.keys)
            differs[there] = kept.marks[at[there]] != rows.marks[there]
        return differs

    def forget(self, keys: Keys) -> None:
        """The records were not kept after all."""
        for key in keys.tolist():
            self._few.pop(key, None)
        stays = ~np.isin(self._newer.keys, keys)
        self._newer = KeyRows(self._newer.keys[stays], self._newer.marks[stays])

    def _all_fresh(self, rows: KeyRows) -> KeyRows | None:
        """Add many rows at once when no key of them is known or comes twice; else None, and nothing is added."""
        self._settle()
        order = np.argsort(rows.keys)
        ordered = KeyRows(rows.keys[order], rows.marks[order])
        first = int(np.searchsorted(ordered.keys, NO_KEY, "right"))
        ordered = KeyRows(ordered.keys[first:], ordered.marks[first:])
        repeats = (ordered.keys[1:] == ordered.keys[:-1]).any()
        if repeats or any(_found(kept, ordered.keys)[1].any() for kept in (self._older, self._newer)):
            return None
        self._newer = _merged(self._newer, ordered)
        return ordered

    def _settle(self) -> None:
        if self._few:
            keys = np.fromiter(self._few.keys(), np.uint64, len(self._few))
            marks = np.fromiter(self._few.values(), np.uint32, len(self._few))
            order = np.argsort(keys)
            self._newer = _merged(self._newer, KeyRows(keys[order], marks[order]))
            self._few = {}


class KeyFile:
    """`<data_dir>/keys/<source>.keys` and `.older`: keys in the order in which the broker acknowledged their records.

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
        """The older keys first; a row that a crash cut off is left out."""
        for path in (self._older_path, self._path):
            if path.exists():
                content = path.read_bytes()
                rows = np.frombuffer(content, _ROW, len(content) // _ROW.itemsize)
                yield KeyRows(rows["key"].astype(np.uint64), rows["mark"].astype(np.uint32))

    def append(self, added: KeyRows) -> None:
        """On disk when it returns. Raises OSError."""
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


def _found(kept: KeyRows, keys: Keys) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Where each key would stand among the kept ones, and whether it is there."""
    if not len(kept):
        return np.zeros(len(keys), np.intp), np.zeros(len(keys), np.bool_)
    at = np.minimum(np.searchsorted(kept.keys, keys), len(kept) - 1)
    return at, kept.keys[at] == keys


def _merged(kept: KeyRows, ordered: KeyRows) -> KeyRows:
    at = np.searchsorted(kept.keys, ordered.keys)
    return KeyRows(np.insert(kept.keys, at, ordered.keys), np.insert(kept.marks, at, ordered.marks))
