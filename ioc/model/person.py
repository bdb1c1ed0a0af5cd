"""People: their roles, and what each role may do."""

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """What a route, a page or a websocket topic asks of who calls it."""

    LOOK = "look"
    """Values, history, definitions, units, sources, alerts, the ledger."""
    SEE_CASES = "see_cases"
    """Single cases, and records that were refused as they came."""
    HANDLE_ALERTS = "handle_alerts"
    """Acknowledge, shelve, silence, comment, work on incidents."""
    CHANGE_RULES = "change_rules"
    """Rules, routes, schedules."""
    ASK_SQL = "ask_sql"
    """Queries over the history, saved queries, reports."""
    ADMINISTER = "administer"
    """People, definitions, the ledger's losses."""


class Role(StrEnum):
    VIEWER = "viewer"
    OPERATOR = "operator"
    ANALYST = "analyst"
    ADMIN = "admin"


_LOOKING = frozenset({Permission.LOOK})
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _LOOKING,
    Role.OPERATOR: _LOOKING | {Permission.SEE_CASES, Permission.HANDLE_ALERTS, Permission.CHANGE_RULES},
    Role.ANALYST: _LOOKING | {Permission.ASK_SQL},
    Role.ADMIN: frozenset(Permission),
}


@dataclass(frozen=True, slots=True)
class Person:
    """An account. `name` is what they log in with, `full_name` what others see."""

    name: str
    full_name: str
    role: Role
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who stands behind a request: a person, a wall display, a script with the admin token, or nobody known.

    `name` is what the audit trail shows; empty for nobody.
    """

    name: str
    permissions: frozenset[Permission]

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions


NOBODY = Caller("", frozenset())
ADMIN_SCRIPT = Caller("admin-token", frozenset(Permission))


def display(name: str) -> Caller:
    """A wall display: it can only look."""
    return Caller(f"display:{name}", _LOOKING)


def anonymous(role: Role | None) -> Caller:
    """Nobody known, with what `role` may do; None lets them do nothing."""
    return NOBODY if role is None else Caller("", PERMISSIONS[role])
