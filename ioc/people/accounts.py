"""Accounts: names, roles, and passwords as Argon2 hashes."""

import re
import sqlite3

from ioc.clock import Clock, SystemClock, to_ms
from ioc.errors import ConfigurationInvalid, IocError
from ioc.messages import Message
from ioc.model.person import Person, Role
from ioc.people.file import PeopleFile
from ioc.people.passwords import NOBODYS_HASH, check_password, hashed, matches

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
_COLUMNS = "name, full_name, role, disabled"


class AccountRefused(IocError):
    """A login was refused. The text is the same for a wrong name and a wrong password."""


class Accounts:
    """The accounts of a file. All methods block on the disk; `log_in` also needs about 50 ms of the processor."""

    def __init__(self, file: PeopleFile, clock: Clock | None = None) -> None:
        self._file = file
        self._clock = clock or SystemClock()

    def add(self, name: str, full_name: str, role: Role, password: str) -> Person:
        """Add an account.

        Raises ConfigurationInvalid when the name is taken or not valid, or the password is too easy to guess.
        """
        if not NAME.fullmatch(name):
            raise ConfigurationInvalid(Message("account_name", name=name))
        if not full_name.strip():
            raise ConfigurationInvalid(Message("full_name_empty"))
        check_password(password, name)
        password_hash = hashed(password)
        with self._file.writing() as connection:
            try:
                connection.execute(
                    "INSERT INTO people (name, full_name, role, password_hash, made_at) VALUES (?, ?, ?, ?, ?)",
                    [name, full_name.strip(), role, password_hash, self._now_ms()],
                )
            except sqlite3.IntegrityError:
                raise ConfigurationInvalid(Message("account_exists", name=name)) from None
        return Person(name, full_name.strip(), role)

    def log_in(self, name: str, password: str) -> Person:
        """Return the person with this name and password.

        Raises AccountRefused for an unknown name, a wrong password or a disabled account: always with the same sentence
        and after the same work.
        """
        with self._file.reading() as connection:
            row = connection.execute(f"SELECT {_COLUMNS}, password_hash FROM people WHERE name = ?", [name]).fetchone()
        is_right = matches(row[4] if row else NOBODYS_HASH, password)
        if row is None or not is_right or row[3]:
            raise AccountRefused(Message("login_refused"))
        return _person(row)

    def set_password(self, name: str, password: str) -> None:
        """Set a new password and end the person's sessions.

        Raises ConfigurationInvalid for an unknown account, or a password that is too easy to guess.
        """
        check_password(password, name)
        self._change(name, "password_hash = ?", hashed(password))

    def set_role(self, name: str, role: Role) -> None:
        """Change the role from the next request on. Raises ConfigurationInvalid for an unknown account."""
        self._change(name, "role = ?", role)

    def set_disabled(self, name: str, disabled: bool) -> None:
        """Disable or enable an account and end its sessions. Raises ConfigurationInvalid for an unknown account."""
        self._change(name, "disabled = ?", int(disabled))

    def all(self) -> list[Person]:
        """Return all accounts by name."""
        with self._file.reading() as connection:
            return [_person(row) for row in connection.execute(f"SELECT {_COLUMNS} FROM people ORDER BY name")]

    def named(self, name: str) -> Person | None:
        """Return the account; None if it does not exist."""
        with self._file.reading() as connection:
            row = connection.execute(f"SELECT {_COLUMNS} FROM people WHERE name = ?", [name]).fetchone()
        return _person(row) if row else None

    def _change(self, name: str, assignment: str, value: str | int) -> None:
        with self._file.writing() as connection:
            changed = connection.execute(f"UPDATE people SET {assignment} WHERE name = ?", [value, name])
            if not changed.rowcount:
                raise ConfigurationInvalid(Message("no_account", given=name))
            if not assignment.startswith("role"):
                connection.execute("DELETE FROM sessions WHERE person = ?", [name])

    def _now_ms(self) -> int:
        return to_ms(self._clock.now())


def _person(row: tuple[str, str, str, int]) -> Person:
    return Person(row[0], row[1], Role(row[2]), bool(row[3]))
