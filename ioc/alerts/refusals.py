"""What an act of a person must say, and how one is refused."""

from ioc.errors import IocError
from ioc.messages import Message

MAX_SHELVING_MS = 30 * 86_400_000
"""What puts an alert aside ends by itself within 30 days."""

MAX_TEXT_LENGTH = 4_000


class ActRefused(IocError):
    """An act cannot be done; everything stays as it was. `field` is what the person mends, "" for the act itself."""

    def __init__(self, field: str, message: Message) -> None:
        super().__init__(message)
        self.field = field


def no_alert(field: str, alert: str) -> ActRefused:
    """The refusal for an alert that is not there now."""
    given = alert[:120]
    return ActRefused(field, Message("no_alert", given=given))


def no_rule(rule: str) -> ActRefused:
    """The refusal for a rule that is not in force."""
    return ActRefused("rule", Message("no_rule", given=rule[:80]))


def require_person_and_reason(by: str, why: str) -> None:
    """Raises ActRefused unless there are a person and a reason."""
    if not by.strip():
        raise ActRefused("by", Message("no_person"))
    if not why.strip():
        raise ActRefused("why", Message("no_reason"))
    if len(why) > MAX_TEXT_LENGTH:
        raise ActRefused("why", Message("reason_length", given=len(why), most=MAX_TEXT_LENGTH))
