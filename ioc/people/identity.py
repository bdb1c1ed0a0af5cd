"""Check whether credentials are still valid, for connections that stay open."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ioc.clock import Clock, SystemClock, to_ms
from ioc.model.person import PERMISSIONS, Caller, Role, display
from ioc.people.file import PeopleFile
from ioc.people.sessions import display_row, session_row
from ioc.people.tokens import token_row


class CredentialKind(StrEnum):
    """What a caller authenticates with."""

    SESSION = "session"
    DISPLAY = "display"
    TOKEN = "token"


@dataclass(frozen=True, slots=True)
class Credential:
    """The token of a session's cookie, of a wall display, or of a person's scripts."""

    kind: CredentialKind
    token: str


class Identities:
    """Checks credentials without marking them as used: an open page must not keep a session alive by itself."""

    def __init__(self, file: PeopleFile, clock: Clock | None = None) -> None:
        self._file = file
        self._clock = clock or SystemClock()

    def callers(self, credentials: Iterable[Credential]) -> dict[Credential, Caller | None]:
        """Return the present caller of each credential; None for one that has ended. Raises StoreUnavailable."""
        now_ms = to_ms(self._clock.now())
        with self._file.reading() as connection:
            return {one: _caller(connection, one, now_ms) for one in credentials}


def _caller(connection: sqlite3.Connection, credential: Credential, now_ms: int) -> Caller | None:
    match credential.kind:
        case CredentialKind.DISPLAY:
            name = display_row(connection, credential.token)
            return display(name) if name is not None else None
        case CredentialKind.SESSION:
            person = session_row(connection, credential.token, now_ms)
            return Caller(person[0], PERMISSIONS[Role(person[2])]) if person else None
        case CredentialKind.TOKEN:
            owner = token_row(connection, credential.token, now_ms)
            return Caller(owner[0], PERMISSIONS[Role(owner[1])]) if owner else None
