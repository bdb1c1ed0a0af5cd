"""What an act of a person must say, and how one is refused."""

from typing import Any

from ioc.errors import IocError

MAX_SHELVING_MS = 30 * 86_400_000
"""What puts an alert aside ends by itself within 30 days."""

MAX_TEXT_LENGTH = 4_000


class ActRefused(IocError):
    """An act cannot be done; everything stays as it was. `field` is what the person mends, "" for the act itself;
    `code` with `given` says it to a page in another language."""

    def __init__(self, field: str, message: str, code: str, **given: Any) -> None:
        super().__init__(message)
        self.field = field
        self.code = code
        self.given = given


def no_alert(field: str, alert: str) -> ActRefused:
    """The refusal for an alert that is not there now."""
    given = alert[:120]
    return ActRefused(field, f"There is no alert {given!r} now; it may have ended.", "no_alert", given=given)


def no_rule(rule: str) -> ActRefused:
    """The refusal for a rule that is not in force."""
    return ActRefused("rule", f"There is no rule {rule[:80]!r}.", "no_rule", given=rule[:80])


def require_person_and_reason(by: str, why: str) -> None:
    """Raises ActRefused unless there are a person and a reason."""
    if not by.strip():
        raise ActRefused("by", "Enter who is doing this.", "no_person")
    if not why.strip():
        raise ActRefused("why", "Write a reason, so that others know.", "no_reason")
    if len(why) > MAX_TEXT_LENGTH:
        message = f"The reason is {len(why)} characters long; the limit is {MAX_TEXT_LENGTH}."
        raise ActRefused("why", message, "reason_length", given=len(why), most=MAX_TEXT_LENGTH)
