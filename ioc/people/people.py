"""Everything about people in one file of the data directory."""

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
    """May be used from any thread and by several processes at once."""

    accounts: Accounts
    sessions: Sessions
    trail: Trail
    tokens: PersonalTokens
    identities: Identities

    @classmethod
    def open(cls, path: Path, clock: Clock | None = None) -> "People":
        """`path` is the SQLite file, made when missing. Raises StoreUnavailable."""
        return cls._of(PeopleFile(path), clock)

    @classmethod
    def unusable(cls, path: Path, clock: Clock | None = None) -> "People":
        """Stand for a damaged file: every use raises StoreUnavailable, until the file is sound again."""
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
