"""The latest JSON of each key, and what changed since a position."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Entry:
    seq: int
    fragment: bytes
    present: bool


class LatestValues:
    """A table of one topic. Memory is one entry a key ever seen, however many changes there were.

    Entries stand in the order of their last change, so that changes are found from the end without a log.
    """

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    def put(self, key: str, fragment: bytes, seq: int, *, present: bool = True) -> bool:
        """Whether this is a change. `present` False: `fragment` says that the key is gone."""
        known = self._entries.get(key)
        if known is None:
            if not present:
                return False
        elif known.fragment == fragment:
            return False
        else:
            del self._entries[key]
        self._entries[key] = _Entry(seq, fragment, present)
        return True

    def clear(self) -> None:
        self._entries.clear()

    def present(self) -> list[bytes]:
        return [entry.fragment for entry in self._entries.values() if entry.present]

    def since(self, seq: int) -> list[bytes]:
        """Fragments of what changed after `seq`, oldest change first."""
        changed = []
        for entry in reversed(self._entries.values()):
            if entry.seq <= seq:
                break
            changed.append(entry.fragment)
        changed.reverse()
        return changed
