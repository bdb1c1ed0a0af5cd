"""All parts of `people.db` together."""

from dataclasses import dataclass
from pathlib import Path

from ioc.clock import Clock
from ioc.people.accounts import Accounts
from ioc.people.file import PeopleFile
from ioc.people.identity import Identities
from ioc.people.sessions import Sessions
from ioc.people.tokens import PersonalTokens
from ioc.people.trail import Trail


@dataclass(frozen=True)
class People:
    """Accounts, sessions, tokens and the audit trail of one file. For any number of threads and processes."""

    accounts: Accounts
    sessions: Sessions
    trail: Trail
    tokens: PersonalTokens
    identities: Identities

    @classmethod
    def open(cls, path: Path, clock: Clock | None = None) -> "People":
        """Open the SQLite file, and create it if it is missing. Raises StoreUnavailable."""
        return cls._of(PeopleFile(path), clock)

    @classmethod
    def unusable(cls, path: Path, clock: Clock | None = None) -> "People":
        """Return an object for a damaged file: every use raises StoreUnavailable until the file can be read again."""
        return cls._of(PeopleFile.unchecked(path), clock)

    @classmethod
    def _of(cls, file: PeopleFile, clock: Clock | None) -> "People":
        return cls(
            Accounts(file, clock),
            Sessions(file, clock),
            Trail(file, clock),
            PersonalTokens(file, clock),
            Identities(file, clock),
        )
