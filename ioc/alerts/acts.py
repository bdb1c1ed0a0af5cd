"""What an act of a person must say, and how one is refused."""

from typing import Any

from ioc.errors import IocError

LONGEST_MS = 30 * 86_400_000
"""What puts an alert aside ends by itself within 30 days."""

LONGEST_TEXT = 4_000


class ActRefused(IocError):
    """An act cannot be done; everything stays as it was. `field` is what the person mends, "" for the act itself;
    `code` with `given` says it to a page in another language, where there is one."""

    def __init__(self, field: str, message: str, code: str = "", **given: Any) -> None:
        super().__init__(message)
        self.field = field
        self.code = code
        self.given = given


def told(by: str, why: str) -> None:
    """Raises ActRefused unless there are a person and a reason."""
    if not by.strip():
        raise ActRefused("by", "It must be on record who does this; give a name.")
    if not why.strip():
        raise ActRefused("why", "It must be on record why; write a reason.")
    if len(why) > LONGEST_TEXT:
        raise ActRefused("why", f"The reason has {len(why)} signs; at most {LONGEST_TEXT} are kept.")
