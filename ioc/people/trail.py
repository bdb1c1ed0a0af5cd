"""The audit trail: who did what and when. It only grows, and each entry holds the hash of the one before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import orjson

from ioc.clock import Clock, SystemClock, from_ms, to_ms
from ioc.errors import IocError
from ioc.people.file import PeopleFile

_FIRST = "0" * 64
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

    def note(self, who: str, act: str, what: str, details: Mapping[str, object] | None = None) -> None:
        """On the disk when this returns. Raises StoreUnavailable."""
        at, text = to_ms(self._clock.now()), orjson.dumps(dict(details or {}), option=orjson.OPT_SORT_KEYS).decode()
        with self._file.writing() as connection:
            last = connection.execute("SELECT number, hash FROM trail ORDER BY number DESC LIMIT 1").fetchone()
            number, before = (last[0] + 1, last[1]) if last else (1, _FIRST)
            row = (number, at, who, act, what, text)
            connection.execute("INSERT INTO trail VALUES (?, ?, ?, ?, ?, ?, ?)", [*row, _link(before, row)])

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

    def verify(self) -> int:
        """How many entries there are. Raises TrailBroken naming the first that does not fit the one before."""
        before, number = _FIRST, 0
        with self._file.reading() as connection:
            for *row, hashed in connection.execute(f"SELECT {_COLUMNS} FROM trail ORDER BY number"):
                if row[0] != number + 1 or _link(before, tuple(row)) != hashed:
                    raise TrailBroken(f"Entry {number + 1} of the audit trail is not as it was written.")
                before, number = hashed, row[0]
        return number


def _link(before: str, row: tuple[object, ...]) -> str:
    return sha256(orjson.dumps([before, *row])).hexdigest()
