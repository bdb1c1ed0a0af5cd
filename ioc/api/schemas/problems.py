"""Problems (RFC 9457) as JSON."""

from typing import Any, NotRequired

from typing_extensions import TypedDict


class ErrorShape(TypedDict):
    """What is wrong with one field (`field` is empty for the request as a whole).

    `code` and `params` allow a page to show it in any language; `nested` has code and parameters of a parameter that is
    a message itself. `since` is present for faults of the centre; `line`
    and `column` (from 1; null where unknown) for errors in SQL.
    """

    field: NotRequired[str]
    message: str
    code: NotRequired[str]
    params: NotRequired[dict[str, Any]]
    nested: NotRequired[dict[str, Any]]
    since: NotRequired[str]
    line: NotRequired[int | None]
    column: NotRequired[int | None]


class ChangedFieldShape(TypedDict):
    """A field with its value before and after a change."""

    field: str
    before: Any
    after: Any


class ProblemShape(TypedDict):
    """A problem: `detail` is one sentence that says what is wrong and what to do.

    A conflict between two editors also has the present `revision`, what the other person changed (`theirs`) and what
    this change would alter now (`yours`).
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[ErrorShape]
    revision: NotRequired[str]
    theirs: NotRequired[list[ChangedFieldShape]]
    yours: NotRequired[list[ChangedFieldShape]]
