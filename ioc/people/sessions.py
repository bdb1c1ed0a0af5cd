"""Sessions of people who have logged in, and tokens of wall displays. Only hashes of both are kept."""

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

MAX_IDLE = timedelta(hours=12)
MAX_SESSION = timedelta(days=7)
# The last use of a session is written only this often, so that most requests do not write.
_USE_WRITE_INTERVAL = timedelta(minutes=5)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Session:
    """A session. A page must send `csrf` in a header with every change."""

    person: Person
    csrf: str

    @property
    def caller(self) -> Caller:
        """The person with the permissions of their role."""
        return Caller(self.person.name, PERMISSIONS[self.person.role])


class Sessions:
    """Sessions of a file. They end after 12 hours without a request, after 7 days, and when the password changes."""

    def __init__(self, file: PeopleFile, clock: Clock | None = None) -> None:
        self._file = file
        self._clock = clock or SystemClock()

    def begin(self, person: Person) -> tuple[str, Session]:
        """Begin a session. Return the token for its cookie, which is not kept, and the session."""
        token, session, now_ms = token_urlsafe(32), Session(person, token_urlsafe(24)), self._now_ms()
        with self._file.writing() as connection:
            connection.execute("DELETE FROM sessions WHERE seen_at < ? OR began_at < ?", _oldest(now_ms))
            connection.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?)",
                [_hashed(token), person.name, session.csrf, now_ms, now_ms],
            )
        return token, session

    def of(self, token: str) -> Session | None:
        """Return the session of a cookie's token; None if it is unknown or has ended, or the account is disabled."""
        now_ms = self._now_ms()
        with self._file.reading() as connection:
            row = session_row(connection, token, now_ms)
        if row is None:
            return None
        if now_ms - row[4] > _USE_WRITE_INTERVAL // _MS:
            with self._file.writing() as connection:
                connection.execute("UPDATE sessions SET seen_at = ? WHERE token_hash = ?", [now_ms, _hashed(token)])
        return Session(Person(row[0], row[1], Role(row[2])), row[3])

    def end(self, token: str) -> None:
        """End the session of a cookie's token."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM sessions WHERE token_hash = ?", [_hashed(token)])

    def make_display(self, name: str) -> str:
        """Return a new token for a wall display, which is not kept. An older token of the display ends.

        Raises ConfigurationInvalid for a name that is not valid.
        """
        if not NAME.fullmatch(name):
            raise ConfigurationInvalid(Message("display_name", name=name))
        token = token_urlsafe(32)
        with self._file.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO displays VALUES (?, ?, ?)", [name, _hashed(token), self._now_ms()]
            )
        return token

    def end_display(self, name: str) -> None:
        """End the token of a display. Raises ConfigurationInvalid for an unknown display."""
        with self._file.writing() as connection:
            if not connection.execute("DELETE FROM displays WHERE name = ?", [name]).rowcount:
                raise ConfigurationInvalid(Message("no_display", given=name))

    def displays(self) -> list[str]:
        """Return the names of all displays."""
        with self._file.reading() as connection:
            return [name for (name,) in connection.execute("SELECT name FROM displays ORDER BY name")]

    def display_of(self, token: str) -> Caller | None:
        """Return the display with this token; None if the token is not valid."""
        with self._file.reading() as connection:
            name = display_row(connection, token)
        return display(name) if name is not None else None

    def _now_ms(self) -> int:
        return to_ms(self._clock.now())


def session_row(connection: sqlite3.Connection, token: str, now_ms: int) -> tuple[str, str, str, str, int] | None:
    """Return name, full name, role, CSRF token and last use (ms) of a session; None unless it is valid."""
    query = (
        "SELECT p.name, p.full_name, p.role, s.csrf, s.seen_at FROM sessions s JOIN people p ON p.name = s.person "
        "WHERE s.token_hash = ? AND s.seen_at >= ? AND s.began_at >= ? AND NOT p.disabled"
    )
    row: tuple[str, str, str, str, int] | None = connection.execute(
        query, [_hashed(token), *_oldest(now_ms)]
    ).fetchone()
    return row


def display_row(connection: sqlite3.Connection, token: str) -> str | None:
    """Return the name of the display with this token; None if the token is not valid."""
    row = connection.execute("SELECT name FROM displays WHERE token_hash = ?", [_hashed(token)]).fetchone()
    return str(row[0]) if row else None


def _oldest(now_ms: int) -> list[int]:
    """Return the oldest last use and the oldest beginning (ms) of a valid session."""
    return [now_ms - MAX_IDLE // _MS, now_ms - MAX_SESSION // _MS]


def _hashed(token: str) -> str:
    return sha256(token.encode()).hexdigest()
