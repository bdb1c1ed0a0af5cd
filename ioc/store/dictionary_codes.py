"""Dictionary codes: small numbers for the ids of measures, units and subjects in panes."""

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ioc.errors import NotStorable
from ioc.messages import Message

_MAX_CODES = {"measure": 32767, "unit": 32767, "subject": 2**31 - 1}
KINDS = tuple(_MAX_CODES)


class DictionaryCodes:
    """Codes of each kind in memory, as the store has them; only the historian's thread assigns new ones.

    An id gets its code for ever in the transaction that first uses it: `write` puts new ones into that transaction,
    then `keep` or `forget` follow its commit or rollback.
    """

    def __init__(self) -> None:
        self._codes: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
        self._fresh: dict[str, list[str]] = {kind: [] for kind in KINDS}
        self._written: dict[str, list[str]] = {kind: [] for kind in KINDS}

    def load(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Read what the store holds, and forget everything else."""
        for kind in KINDS:
            rows = cursor.execute(f"SELECT id, code FROM {kind}_codes").fetchall()
            self._codes[kind] = dict(rows)
            self._fresh[kind], self._written[kind] = [], []

    def known(self, kind: str) -> dict[str, int]:
        """Return codes by id, of committed ids and those of the running transaction; do not change the result."""
        return self._codes[kind]

    def of(self, kind: str, words: Sequence[str]) -> np.ndarray:
        """Return the codes of ids, in their order; new ids get the next codes.

        Raises NotStorable when a kind has more ids than codes.
        """
        codes = self._codes[kind]
        try:
            return np.array([codes[word] for word in words], np.int32)
        except KeyError:
            for word in words:
                if word not in codes:
                    if len(codes) >= _MAX_CODES[kind]:
                        raise NotStorable(
                            Message("dictionary_full", max=_MAX_CODES[kind], kind=kind, given=word)
                        ) from None
                    codes[word] = len(codes) + 1
                    self._fresh[kind].append(word)
        return np.array([codes[word] for word in words], np.int32)

    def write(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Insert the new ids in the running transaction; those of an earlier call are there already."""
        for kind in KINDS:
            if fresh := self._fresh[kind]:
                new = pa.table({"code": [self._codes[kind][word] for word in fresh], "id": fresh})
                cursor.register("new_codes", new)
                cursor.execute(f"INSERT INTO {kind}_codes SELECT code, id FROM new_codes")
                cursor.unregister("new_codes")
                self._written[kind] += fresh
                self._fresh[kind] = []

    def keep(self) -> None:
        """Note that the transaction is committed."""
        for kind in KINDS:
            self._fresh[kind], self._written[kind] = [], []

    def forget(self) -> None:
        """Note that the transaction is rolled back: its new ids have no code."""
        for kind in KINDS:
            for word in (*self._written[kind], *self._fresh[kind]):
                del self._codes[kind][word]
        self.keep()


def codes_of_column(column: pa.DictionaryArray, kind: str, codes: DictionaryCodes) -> np.ndarray:
    """Return the codes of a column of ids; null is 0."""
    if column.null_count == len(column):
        return np.zeros(len(column), np.int32)
    used = np.append(codes.of(kind, column.dictionary.to_pylist()), np.int32(0))
    place: np.ndarray = pc.fill_null(column.indices.cast(pa.int32()), len(used) - 1).to_numpy()
    coded: np.ndarray = used[place]
    return coded
