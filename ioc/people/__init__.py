"""People: accounts, sessions, tokens of people and displays, and the audit trail.

They are in a file of their own (SQLite, `people.db`), since `ioc user` changes them while `ioc serve` runs, and the
store has one owner.
"""

from ioc.people.accounts import AccountRefused, Accounts
from ioc.people.identity import Credential, CredentialKind
from ioc.people.people import People
from ioc.people.sessions import Session, Sessions
from ioc.people.tokens import PersonalToken, PersonalTokens
from ioc.people.trail import Act, Trail, TrailBroken
from ioc.people.trail_seal import Anchor

__all__ = [
    "AccountRefused",
    "Accounts",
    "Act",
    "Anchor",
    "Credential",
    "CredentialKind",
    "People",
    "PersonalToken",
    "PersonalTokens",
    "Session",
    "Sessions",
    "Trail",
    "TrailBroken",
]
