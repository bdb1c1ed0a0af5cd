"""Refuse what a person asks for: the error, and the checks that several actions share."""

from ioc.errors import IocError
from ioc.messages import Message

MAX_SHELVING_MS = 30 * 86_400_000
"""Silences and shelvings end by themselves within 30 days."""

MAX_TEXT_LENGTH = 4_000


class ActRefused(IocError):
    """An action cannot be done, and nothing has changed.

    `field` is what the person has to correct, "" for the action itself.
    """

    def __init__(self, field: str, message: Message) -> None:
        super().__init__(message)
        self.field = field


def no_alert(field: str, alert: str) -> ActRefused:
    """Return the refusal for an alert that does not exist now."""
    given = alert[:120]
    return ActRefused(field, Message("no_alert", given=given))


def no_rule(rule: str) -> ActRefused:
    """Return the refusal for a rule that is not in force."""
    return ActRefused("rule", Message("no_rule", given=rule[:80]))


def require_person_and_reason(by: str, why: str) -> None:
    """Check that a person and a reason are given; else raise ActRefused."""
    if not by.strip():
        raise ActRefused("by", Message("no_person"))
    if not why.strip():
        raise ActRefused("why", Message("no_reason"))
    if len(why) > MAX_TEXT_LENGTH:
        raise ActRefused("why", Message("reason_length", given=len(why), most=MAX_TEXT_LENGTH))
