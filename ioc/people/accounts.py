"""Accounts: names, roles, passwords as Argon2 hashes, and the lock after failed tries."""

import re
import sqlite3
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ioc.clock import Clock, SystemClock, from_ms, to_ms
from ioc.errors import ConfigurationInvalid, IocError
from ioc.model.person import Person, Role
from ioc.people.file import PeopleFile

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
FAILED_TRIES = 5
LOCKED_FOR = timedelta(minutes=15)
# Memory, passes and lanes after OWASP's password storage cheat sheet for Argon2id: 19 MiB, 2, 1.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODYS_HASH = _HASHER.hash("nobody's password")
_COLUMNS = "name, full_name, role, disabled, locked_until"


class AccountRefused(IocError):
    """A login that is not let in. The text is the same for a wrong name and a wrong password."""


class Accounts:
    """The accounts of `file`. Everything blocks on the disk, `log_in` for some 50 ms on the processor."""

    def __init__(self, file: PeopleFile, clock: Clock | None = None) -> None:
        self._file = file
        self._clock = clock or SystemClock()

    def add(self, name: str, full_name: str, role: Role, password: str) -> Person:
        """Raises ConfigurationInvalid: the name is taken or unfit, the password too short."""
        if not NAME.fullmatch(name):
            raise ConfigurationInvalid(
                f"The account name {name!r} is not 2 to 32 small letters, digits, dots, hyphens or underscores."
            )
        if not full_name.strip():
            raise ConfigurationInvalid("The full name is empty; write the person's name.")
        hashed = _hash(password)
        with self._file.writing() as connection:
            try:
                connection.execute(
                    "INSERT INTO people (name, full_name, role, password_hash, made_at) VALUES (?, ?, ?, ?, ?)",
                    [name, full_name.strip(), role, hashed, self._now_ms()],
                )
            except sqlite3.IntegrityError:
                raise ConfigurationInvalid(f"An account {name!r} exists already.") from None
        return Person(name, full_name.strip(), role)

    def log_in(self, name: str, password: str) -> Person:
        """Whose name and password these are. Raises AccountRefused; five failed tries lock for 15 minutes."""
        with self._file.reading() as connection:
            row = connection.execute(f"SELECT {_COLUMNS}, password_hash FROM people WHERE name = ?", [name]).fetchone()
        right = _matches(row[5] if row else _NOBODYS_HASH, password) and row is not None
        now_ms = self._now_ms()
        if row is not None and row[4] > now_ms:
            minutes = -(-(row[4] - now_ms) // 60_000)
            raise AccountRefused(f"Too many failed tries; this account opens again in {minutes} min.")
        if not right or row[3]:
            self._note_failure(name, now_ms)
            raise AccountRefused("This name and password do not belong together.")
        with self._file.writing() as connection:
            connection.execute("UPDATE people SET failed = 0, locked_until = 0 WHERE name = ?", [name])
        return _person(row)

    def set_password(self, name: str, password: str) -> None:
        """Ends the person's sessions and any lock. Raises ConfigurationInvalid."""
        self._change(name, "password_hash = ?, failed = 0, locked_until = 0", _hash(password))

    def set_role(self, name: str, role: Role) -> None:
        """Holds from the next request on. Raises ConfigurationInvalid."""
        self._change(name, "role = ?", role)

    def set_disabled(self, name: str, disabled: bool) -> None:
        """Ends the person's sessions. Raises ConfigurationInvalid."""
        self._change(name, "disabled = ?", int(disabled))

    def all(self) -> list[Person]:
        """By name."""
        with self._file.reading() as connection:
            return [_person(row) for row in connection.execute(f"SELECT {_COLUMNS} FROM people ORDER BY name")]

    def named(self, name: str) -> Person | None:
        """The account; None when there is none."""
        with self._file.reading() as connection:
            row = connection.execute(f"SELECT {_COLUMNS} FROM people WHERE name = ?", [name]).fetchone()
        return _person(row) if row else None

    def _change(self, name: str, assignment: str, value: str | int) -> None:
        with self._file.writing() as connection:
            changed = connection.execute(f"UPDATE people SET {assignment} WHERE name = ?", [value, name])
            if not changed.rowcount:
                raise ConfigurationInvalid(f"No account is called {name!r}.")
            if not assignment.startswith("role"):
                connection.execute("DELETE FROM sessions WHERE person = ?", [name])

    def _note_failure(self, name: str, now_ms: int) -> None:
        until = now_ms + LOCKED_FOR // timedelta(milliseconds=1)
        with self._file.writing() as connection:
            connection.execute("UPDATE people SET failed = failed + 1 WHERE name = ?", [name])
            connection.execute(
                "UPDATE people SET failed = 0, locked_until = ? WHERE name = ? AND failed >= ?",
                [until, name, FAILED_TRIES],
            )

    def _now_ms(self) -> int:
        return to_ms(self._clock.now())


def _hash(password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ConfigurationInvalid(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    return _HASHER.hash(password)


def _matches(hashed: str, password: str) -> bool:
    try:
        return len(password) <= LONGEST_PASSWORD and _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def _person(row: tuple[str, str, str, int, int]) -> Person:
    return Person(row[0], row[1], Role(row[2]), bool(row[3]), from_ms(row[4]) if row[4] else None)
