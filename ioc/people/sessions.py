"""Sessions of people who have logged in, and the tokens of wall displays; both kept as hashes."""

import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from secrets import token_urlsafe

from ioc.clock import Clock, SystemClock, to_ms
from ioc.errors import ConfigurationInvalid
from ioc.messages import Message
from ioc.model.person import PERMISSIONS, Caller, Person, Role, display
from ioc.people.accounts import NAME
from ioc.people.file import PeopleFile

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
# The time a session was seen last is written this often only, so that most requests do not write.
_SEEN_EVERY = timedelta(minutes=5)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Session:
    """`csrf` must come back in a header with each change that a page asks for."""

    person: Person
    csrf: str

    @property
    def caller(self) -> Caller:
        return Caller(self.person.name, PERMISSIONS[self.person.role])


class Sessions:
    """Sessions end after 12 hours without a request, after 7 days, and with the account's password."""

    def __init__(self, file: PeopleFile, clock: Clock | None = None) -> None:
        self._file = file
        self._clock = clock or SystemClock()

    def begin(self, person: Person) -> tuple[str, Session]:
        """A new session, and the token for its cookie, which is told here only."""
        token, session, now_ms = token_urlsafe(32), Session(person, token_urlsafe(24)), self._now_ms()
        with self._file.writing() as connection:
            connection.execute("DELETE FROM sessions WHERE seen_at < ? OR began_at < ?", _oldest(now_ms))
            connection.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?)",
                [_hashed(token), person.name, session.csrf, now_ms, now_ms],
            )
        return token, session

    def of(self, token: str) -> Session | None:
        """The session of a cookie's token; None when there is none, it has ended, or the account is disabled."""
        now_ms = self._now_ms()
        with self._file.reading() as connection:
            row = session_row(connection, token, now_ms)
        if row is None:
            return None
        if now_ms - row[4] > _SEEN_EVERY // _MS:
            with self._file.writing() as connection:
                connection.execute("UPDATE sessions SET seen_at = ? WHERE token_hash = ?", [now_ms, _hashed(token)])
        return Session(Person(row[0], row[1], Role(row[2])), row[3])

    def end(self, token: str) -> None:
        with self._file.writing() as connection:
            connection.execute("DELETE FROM sessions WHERE token_hash = ?", [_hashed(token)])

    def make_display(self, name: str) -> str:
        """A wall display's token, told here only; an older one of the name ends. Raises ConfigurationInvalid."""
        if not NAME.fullmatch(name):
            raise ConfigurationInvalid(Message("display_name", name=name))
        token = token_urlsafe(32)
        with self._file.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO displays VALUES (?, ?, ?)", [name, _hashed(token), self._now_ms()]
            )
        return token

    def end_display(self, name: str) -> None:
        """Raises ConfigurationInvalid when there is none."""
        with self._file.writing() as connection:
            if not connection.execute("DELETE FROM displays WHERE name = ?", [name]).rowcount:
                raise ConfigurationInvalid(Message("no_display", given=name))

    def displays(self) -> list[str]:
        with self._file.reading() as connection:
            return [name for (name,) in connection.execute("SELECT name FROM displays ORDER BY name")]

    def display_of(self, token: str) -> Caller | None:
        """The display whose token this is."""
        with self._file.reading() as connection:
            name = display_row(connection, token)
        return display(name) if name is not None else None

    def _now_ms(self) -> int:
        return to_ms(self._clock.now())


def session_row(connection: sqlite3.Connection, token: str, now_ms: int) -> tuple[str, str, str, str, int] | None:
    """Name, full name, role, CSRF token and time last seen (ms) of a session that holds; None otherwise."""
    query = (
        "SELECT p.name, p.full_name, p.role, s.csrf, s.seen_at FROM sessions s JOIN people p ON p.name = s.person "
        "WHERE s.token_hash = ? AND s.seen_at >= ? AND s.began_at >= ? AND NOT p.disabled"
    )
    row: tuple[str, str, str, str, int] | None = connection.execute(
        query, [_hashed(token), *_oldest(now_ms)]
    ).fetchone()
    return row


def display_row(connection: sqlite3.Connection, token: str) -> str | None:
    """The name of the display whose token this is."""
    row = connection.execute("SELECT name FROM displays WHERE token_hash = ?", [_hashed(token)]).fetchone()
    return str(row[0]) if row else None


def _oldest(now_ms: int) -> list[int]:
    """Before these a session was seen too long ago, or began too long ago."""
    return [now_ms - IDLE // _MS, now_ms - LONGEST // _MS]


def _hashed(token: str) -> str:
    return sha256(token.encode()).hexdigest()
