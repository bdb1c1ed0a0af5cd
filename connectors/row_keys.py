"""Recognise by their content the rows that a source gives again, in another round of a poll or in another file.

The key of a row is made of its content and its number among the equal rows of its round or file. A row whose records
were all accepted is known from then on. Of a row with refused records, each accepted record is known, and the row
itself only while mapping and catalogue stay the same: after they change, what was refused is tried again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from connectors.known_keys import Keys, mix_columns
from ioc.model.rejection import Reason, Rejection

Flags = npt.NDArray[np.bool_]
Lookup = Callable[[Keys], tuple[Flags, Flags]]
"""Takes keys and returns whether each is known, and whether it would soon be forgotten (`SourceWriter.known_rows`)."""
_WHOLE, _PARTLY = 1 << 20, (1 << 20) + 1
_TEMPORARY = frozenset({Reason.TIME_IN_FUTURE})
"""Reasons that pass: such a record may be fit later, with nothing else changed."""


class RowCounter:
    """Numbers the equal rows of one round or file, in their order."""

    def __init__(self) -> None:
        self._seen: Keys = np.empty(0, np.uint64)
        self._next: Keys = self._seen

    def __len__(self) -> int:
        return len(self._seen)

    def keys(self, contents: Sequence[bytes]) -> Keys:
        """Return one key per row. The rows count as seen only after `confirm`: a page may come again after a fault."""
        digests = b"".join(blake2b(content, digest_size=8).digest() for content in contents)
        hashes = np.frombuffer(digests, np.uint64)
        before = np.searchsorted(self._seen, hashes, "right") - np.searchsorted(self._seen, hashes, "left")
        counts: Counter[int] = Counter()
        for row, digest in enumerate(hashes.tolist()):
            before[row] += counts[digest]
            counts[digest] += 1
        self._next = np.sort(hashes)
        return mix_columns([hashes, before.astype(np.uint64)])

    def confirm(self) -> None:
        """Count the rows of the last call of `keys` as seen: they are in the log, or on their way."""
        self._seen = np.insert(self._seen, np.searchsorted(self._seen, self._next), self._next)
        self._next = self._seen[:0]


@dataclass(frozen=True)
class RowIdentity:
    """How the rows of a page are recognised.

    `round_number` counts the rounds of a poll; 0 means that there are none. `prefix` is part of the content of every
    row.
    """

    counter: RowCounter
    round_number: int = 0
    prefix: bytes = b""


class RowMemory:
    """The keys of one page's rows: those known already, and those to remember.

    Rows marked in `settled` need not be read again. Call `note` for each record of the others.
    """

    def __init__(
        self,
        identity: RowIdentity,
        contents: Sequence[bytes],
        configuration: int,
        lookup: Lookup,
        *,
        compares_all: bool,
    ) -> None:
        """Look up the rows.

        `configuration` is a number that changes with mapping and catalogue. Without `compares_all`, a row is known
        only if this round or the one before had it.
        """
        self._keys = identity.counter.keys([identity.prefix + content for content in contents])
        self._round = 0 if compares_all else identity.round_number
        self._configuration = configuration
        self._lookup = lookup
        parts = ((_WHOLE, 0), (_WHOLE, configuration), (_PARTLY, 0))
        asked = [_part_keys(self._keys, *part, number) for number in self._rounds() for part in parts]
        known, aged = (flags.reshape(len(asked), len(contents)) for flags in lookup(np.concatenate(asked)))
        self._accepted_before, self._refused_before, self._partly = (_any(known[n::3]) for n in range(3))
        self.settled: Flags = self._accepted_before | self._refused_before
        # A round that is compared with the next one is remembered again each time, else only what would be forgotten.
        self._refreshed = _any(aged) if compares_all else self.settled
        self._refused: dict[int, bool] = {}
        self._accepted: dict[int, list[int]] = {}

    def is_known(self, row: int, part: int) -> bool:
        """Whether this record of the row was accepted when the row came before."""
        if not self._partly[row]:
            return False
        one = self._keys[row : row + 1]
        known, _ = self._lookup(np.concatenate([_part_keys(one, part, 0, number) for number in self._rounds()]))
        return bool(known.any())

    def identity_of(self, row: int) -> dict[str, Any]:
        """Return what `record_keys` needs to recognise the row: its key in hexadecimal and its round."""
        return {"key": f"{int(self._keys[row]):016x}", "round": self._round}

    def note(self, row: int, part: int, refused: Rejection | None) -> None:
        """Note that a record was accepted (None) or refused."""
        if refused is None:
            self._accepted.setdefault(row, []).append(part)
        else:
            self._refused[row] = self._refused.get(row, False) or refused.reason in _TEMPORARY

    def to_remember(self) -> Keys:
        """Return the keys for `Intake.row_keys`."""
        is_refused = np.zeros(len(self._keys), np.bool_)
        is_refused[list(self._refused)] = True
        accepted = (~self.settled & ~is_refused) | (self._accepted_before & self._refreshed)
        refused = self._refused_before & ~self._accepted_before & self._refreshed
        refused[[row for row, is_temporary in self._refused.items() if not is_temporary]] = True
        found = [
            _part_keys(self._keys[accepted], _WHOLE, 0, self._round),
            _part_keys(self._keys[refused], _WHOLE, self._configuration, self._round),
        ]
        for row in self._refused:
            if parts := self._accepted.get(row):
                one = self._keys[row : row + 1]
                found += [_part_keys(one, part, 0, self._round) for part in (*parts, _PARTLY)]
        return np.concatenate(found)

    def _rounds(self) -> tuple[int, ...]:
        return (self._round, self._round - 1) if self._round else (0,)


def record_keys(row_key: int, part: int, round_number: int) -> tuple[Keys, Keys]:
    """Return for one record of a row the keys to remember once it is accepted, and those by which it is known."""
    row = np.array([row_key], np.uint64)
    whole, own, partly = (_part_keys(row, of, 0, round_number) for of in (_WHOLE, part, _PARTLY))
    return np.concatenate((own, partly)), np.concatenate((whole, own))


def _part_keys(keys: Keys, part: int, configuration: int, round_number: int) -> Keys:
    same = np.ones(len(keys), np.uint64)
    return mix_columns([keys, *(same * np.uint64(number) for number in (part, configuration, round_number))])


def _any(flags: Flags) -> Flags:
    """Whether any of the rows has the flag, per column."""
    some: Flags = np.any(flags, axis=0)
    return some
