"""People: their roles, and what each role may do."""

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """What a route, a page or a websocket topic requires of its caller."""

    LOOK = "look"
    """Values, history, definitions, units, sources, alerts, the ledger."""
    SEE_CASES = "see_cases"
    """Single cases, and refused records as they were received."""
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
    """The sender of a request: a person, a wall display, a script with the admin token, or an unknown caller.

    `name` is what the audit trail shows; empty for an unknown caller.
    """

    name: str
    permissions: frozenset[Permission]

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions


NOBODY = Caller("", frozenset())
ADMIN_SCRIPT = Caller("admin-token", frozenset(Permission))


def display(name: str) -> Caller:
    """Return the caller for a wall display, which can only look."""
    return Caller(f"display:{name}", _LOOKING)


def anonymous(role: Role | None) -> Caller:
    """Return the caller for an unknown person, with the permissions of `role`; None permits nothing."""
    return NOBODY if role is None else Caller("", PERMISSIONS[role])
