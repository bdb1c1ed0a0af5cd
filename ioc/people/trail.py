"""The audit trail: who did what and when. Entries are only added, and each has the keyed hash of the one before."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import orjson

from ioc.clock import Clock, SystemClock, from_ms, to_ms
from ioc.errors import IocError
from ioc.messages import Message
from ioc.people.file import PeopleFile
from ioc.people.trail_seal import Anchor, TrailSeal

_FIRST = "0" * 64
GAP = "trail.gap"
"""The act of an entry that records that entries before it were cut off."""
_COLUMNS = "number, at, who, act, what, details, hash"


class TrailBroken(IocError):
    """An entry was changed or removed outside the centre."""


@dataclass(frozen=True, slots=True)
class Act:
    """An entry. `act` is a code such as `alert.acknowledge`, `what` the id of its object; `details` are scalars."""

    number: int
    at: datetime
    who: str
    act: str
    what: str
    details: Mapping[str, object]


class Trail:
    """The audit trail of a file."""

    def __init__(self, file: PeopleFile, clock: Clock | None = None) -> None:
        self._file = file
        self._clock = clock or SystemClock()
        self._seal = TrailSeal(file.path)

    def note(self, who: str, act: str, what: str, details: Mapping[str, object] | None = None) -> None:
        """Write an entry to the disk. Raises StoreUnavailable.

        If the newest entry is not the one that was written last, an entry GAP records it permanently.
        """
        at, text = to_ms(self._clock.now()), _text(details or {})
        with self._file.writing() as connection:
            last = _newest(connection)
            self._seal.begin(last)
            expected = self._seal.head()
            if expected is None or expected.number > last.number:
                found = {"expected": expected.number if expected else None, "found": last.number}
                last = self._append(connection, last, (at, "", GAP, "trail", _text(found)))
            newest = self._append(connection, last, (at, who, act, what, text))
        self._seal.note_head(newest)

    def newest(self) -> Anchor:
        """Return number and hash of the newest entry, to be kept where nobody can change them.

        Raises StoreUnavailable.
        """
        with self._file.reading() as connection:
            return _newest(connection)

    def _append(self, connection: sqlite3.Connection, last: Anchor, fields: tuple[int, str, str, str, str]) -> Anchor:
        row = (last.number + 1, *fields)
        hashed = self._seal.link(last.hash, row)
        connection.execute("INSERT INTO trail VALUES (?, ?, ?, ?, ?, ?, ?)", [*row, hashed])
        return Anchor(row[0], hashed)

    def read(self, before: int | None = None, limit: int = 100) -> list[Act]:
        """Return entries with a number below `before`, the newest first. Raises StoreUnavailable."""
        bound = before if before is not None else 1 << 62
        query = f"SELECT {_COLUMNS} FROM trail WHERE number < ? ORDER BY number DESC LIMIT ?"
        with self._file.reading() as connection:
            rows = connection.execute(query, [bound, limit]).fetchall()
        return [
            Act(number, from_ms(at), who, act, what, orjson.loads(details))
            for number, at, who, act, what, details, _ in rows
        ]

    def verify(self, anchors: Iterable[Anchor] = ()) -> int:
        """Verify all entries and return their number; `anchors` are those that were published.

        Raises TrailBroken with the first entry that is not as it was written, or with the entries that were cut off.
        Raises StoreUnavailable without the key.
        """
        before, number = Anchor(0, _FIRST), 0
        published = {anchor.number: anchor.hash for anchor in anchors if anchor.number}
        with self._file.writing() as connection:
            self._seal.begin(_newest(connection))
        unkeyed = self._seal.unkeyed()
        with self._file.reading() as connection:
            for *row, hashed in connection.execute(f"SELECT {_COLUMNS} FROM trail ORDER BY number"):
                link = _plain_link if row[0] <= unkeyed.number else self._seal.link
                is_sound = row[0] == number + 1 and link(before.hash, tuple(row)) == hashed
                if row[0] == unkeyed.number:
                    is_sound = is_sound and hashed == unkeyed.hash
                if not is_sound or published.get(row[0], hashed) != hashed:
                    raise TrailBroken(Message("trail_entry_changed", number=number + 1))
                if row[3] == GAP:
                    raise TrailBroken(Message("trail_cut_before", number=row[0], reason=row[5]))
                before, number = Anchor(row[0], hashed), row[0]
        head = self._seal.head()
        if head is None:
            raise TrailBroken(Message("trail_head"))
        if number < (expected := max(head.number, unkeyed.number, *published, 0)):
            raise TrailBroken(Message("trail_cut", expected=expected, number=number))
        return number


def _newest(connection: sqlite3.Connection) -> Anchor:
    row = connection.execute("SELECT number, hash FROM trail ORDER BY number DESC LIMIT 1").fetchone()
    return Anchor(*row) if row else Anchor(0, _FIRST)


def _text(details: Mapping[str, object]) -> str:
    return orjson.dumps(dict(details), option=orjson.OPT_SORT_KEYS).decode()


def _plain_link(before: str, row: tuple[object, ...]) -> str:
    """Return the hash of an entry as versions without a key made it."""
    return sha256(orjson.dumps([before, *row])).hexdigest()
