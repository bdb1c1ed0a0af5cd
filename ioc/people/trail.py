"""The audit trail: who did what and when. It only grows, and each entry holds the keyed hash of the one before."""

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
"""The act of an entry that tells that entries before it were cut off."""
_COLUMNS = "number, at, who, act, what, details, hash"


class TrailBroken(IocError):
    """An entry was changed or taken out by somebody who went around the centre."""


@dataclass(frozen=True, slots=True)
class Act:
    """`act` is a word as `alert.acknowledge`; `what` is the id of what it was done to; `details` are scalar values."""

    number: int
    at: datetime
    who: str
    act: str
    what: str
    details: Mapping[str, object]


class Trail:
    def __init__(self, file: PeopleFile, clock: Clock | None = None) -> None:
        self._file = file
        self._clock = clock or SystemClock()
        self._seal = TrailSeal(file.path)

    def note(self, who: str, act: str, what: str, details: Mapping[str, object] | None = None) -> None:
        """On the disk when this returns. Raises StoreUnavailable.

        Where the newest entry is not the one that was written last, an entry GAP tells so for good.
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
        """Number and hash of the newest entry, to be kept where nobody can change them. Raises StoreUnavailable."""
        with self._file.reading() as connection:
            return _newest(connection)

    def _append(self, connection: sqlite3.Connection, last: Anchor, fields: tuple[int, str, str, str, str]) -> Anchor:
        row = (last.number + 1, *fields)
        hashed = self._seal.link(last.hash, row)
        connection.execute("INSERT INTO trail VALUES (?, ?, ?, ?, ?, ?, ?)", [*row, hashed])
        return Anchor(row[0], hashed)

    def read(self, before: int | None = None, limit: int = 100) -> list[Act]:
        """Newest first; those with a number below `before`."""
        bound = before if before is not None else 1 << 62
        query = f"SELECT {_COLUMNS} FROM trail WHERE number < ? ORDER BY number DESC LIMIT ?"
        with self._file.reading() as connection:
            rows = connection.execute(query, [bound, limit]).fetchall()
        return [
            Act(number, from_ms(at), who, act, what, orjson.loads(details))
            for number, at, who, act, what, details, _ in rows
        ]

    def verify(self, anchors: Iterable[Anchor] = ()) -> int:
        """Return how many entries there are; `anchors` are what was published of them. Raises TrailBroken naming the
        first entry that is not as it was written, or what was cut off; StoreUnavailable without the key."""
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
    """The chain of versions that had no key."""
    return sha256(orjson.dumps([before, *row])).hexdigest()
