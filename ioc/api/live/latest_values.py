"""The latest JSON of each key of a topic, and the changes since a position."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Entry:
    seq: int
    fragment: bytes
    present: bool


class LatestValues:
    """The values of a topic by key. Memory is one entry per key, however many changes there were.

    Entries are in the order of their last change, so that changes are found from the end without a log.
    """

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    def put(self, key: str, fragment: bytes, seq: int, *, present: bool = True) -> bool:
        """Store the JSON of a key and return whether it changed. Not `present`: `fragment` says that it was removed."""
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
        """Remove all keys."""
        self._entries.clear()

    def present(self) -> list[bytes]:
        """Return the JSON of all keys that are present."""
        return [entry.fragment for entry in self._entries.values() if entry.present]

    def since(self, seq: int) -> list[bytes]:
        """Return the JSON of keys that changed after `seq`, the oldest change first."""
        changed = []
        for entry in reversed(self._entries.values()):
            if entry.seq <= seq:
                break
            changed.append(entry.fragment)
        changed.reverse()
        return changed
