"""Personal tokens, which scripts and tools of a person send instead of a password. Only hashes are kept.

A token has the permissions of its account's role at the time of use. It ends when it expires or is revoked, and does
not work while the account is disabled. A new password does not affect tokens.
"""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_hex, token_urlsafe

from ioc.clock import Clock, SystemClock, from_ms, to_ms
from ioc.errors import ConfigurationInvalid
from ioc.messages import Message
from ioc.model.person import PERMISSIONS, Caller, Role
from ioc.people.file import PeopleFile

MARK = "ioc_"
"""Prefix of personal tokens, by which a token that was published by mistake can be found."""
MAX_TOKEN_LIFETIME = timedelta(days=366)
# The last use of a token is written only this often, so that most requests do not write.
_USE_WRITE_INTERVAL = timedelta(minutes=5)
_MS = timedelta(milliseconds=1)
_COLUMNS = "id, person, made_at, expires_at, used_at"


@dataclass(frozen=True, slots=True)
class PersonalToken:
    """A token without its text. `used_at` is exact to five minutes; None if it was never used."""

    id: str
    person: str
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None


class PersonalTokens:
    """Tokens of the accounts in a file."""

    def __init__(self, file: PeopleFile, clock: Clock | None = None) -> None:
        self._file = file
        self._clock = clock or SystemClock()

    def make(self, person: str, lasts: timedelta) -> tuple[str, PersonalToken]:
        """Return a new token, whose text is not kept.

        Raises ConfigurationInvalid for an unknown account or a lifetime that is not allowed.
        """
        if not timedelta(0) < lasts <= MAX_TOKEN_LIFETIME:
            raise ConfigurationInvalid(Message("token_days", days=MAX_TOKEN_LIFETIME.days))
        token, now_ms = MARK + token_urlsafe(32), self._now_ms()
        made = (token_hex(4), person, now_ms, now_ms + lasts // _MS, 0)
        with self._file.writing() as connection:
            if connection.execute("SELECT 1 FROM people WHERE name = ?", [person]).fetchone() is None:
                raise ConfigurationInvalid(Message("no_account", given=person))
            connection.execute("DELETE FROM tokens WHERE expires_at <= ?", [now_ms])
            connection.execute(
                f"INSERT INTO tokens (token_hash, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", [_hashed(token), *made]
            )
        return token, _token(made)

    def caller_of(self, token: str) -> Caller | None:
        """Return the person with this token and the permissions of their role; None if the token is not valid."""
        if not token.startswith(MARK):
            return None
        now_ms = self._now_ms()
        with self._file.reading() as connection:
            row = token_row(connection, token, now_ms)
        if row is None:
            return None
        if now_ms - row[2] > _USE_WRITE_INTERVAL // _MS:
            with self._file.writing() as connection:
                connection.execute("UPDATE tokens SET used_at = ? WHERE token_hash = ?", [now_ms, _hashed(token)])
        return Caller(row[0], PERMISSIONS[Role(row[1])])

    def of(self, person: str) -> list[PersonalToken]:
        """Return the valid tokens of an account, oldest first."""
        query = f"SELECT {_COLUMNS} FROM tokens WHERE person = ? AND expires_at > ? ORDER BY made_at, id"
        with self._file.reading() as connection:
            return [_token(row) for row in connection.execute(query, [person, self._now_ms()])]

    def revoke(self, token_id: str) -> str:
        """Revoke a token and return its owner. Raises ConfigurationInvalid for an unknown id."""
        with self._file.writing() as connection:
            row = connection.execute("DELETE FROM tokens WHERE id = ? RETURNING person", [token_id]).fetchone()
        if row is None:
            raise ConfigurationInvalid(Message("no_token", token=token_id))
        return str(row[0])

    def _now_ms(self) -> int:
        return to_ms(self._clock.now())


def token_row(connection: sqlite3.Connection, token: str, now_ms: int) -> tuple[str, str, int] | None:
    """Return account, role and last use (ms) of a token; None unless it is valid."""
    query = (
        "SELECT p.name, p.role, t.used_at FROM tokens t JOIN people p ON p.name = t.person "
        "WHERE t.token_hash = ? AND t.expires_at > ? AND NOT p.disabled"
    )
    row: tuple[str, str, int] | None = connection.execute(query, [_hashed(token), now_ms]).fetchone()
    return row


def _token(row: tuple[str, str, int, int, int]) -> PersonalToken:
    return PersonalToken(row[0], row[1], from_ms(row[2]), from_ms(row[3]), from_ms(row[4]) if row[4] else None)


def _hashed(token: str) -> str:
    return sha256(token.encode()).hexdigest()
