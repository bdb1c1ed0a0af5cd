"""Templates of notifications: text with {fields}; nothing in them is executed."""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from ioc.errors import TextInvalid
from ioc.messages import Message

MAX_TEMPLATE_LENGTH = 4_000

GROUP_FIELDS = ("province", "count", "firing", "resolved", "severity", "kind", "receiver", "time", "link")
"""Fields of `subject`, `opening` and `closing`: of the notification as a whole."""

ALERT_FIELDS = (
    "name", "unit", "value", "unit_of_measure", "limit", "detail", "severity", "state", "since", "duration", "rule",
    "owner", "procedure", "link",
)  # fmt: skip
"""Fields of `line`: of one alert. `detail` is value, unit and limit, or what another system says of its alert."""


class TemplateInvalid(TextInvalid):
    """The text is not a template; the message names the position and the field that cannot be used."""


@dataclass(frozen=True, slots=True)
class Template:
    """The texts of a notification, each by language.

    `line` is repeated for each alert between `opening` and `closing`.
    """

    id: str
    subject: Mapping[str, str]
    opening: Mapping[str, str]
    line: Mapping[str, str]
    closing: Mapping[str, str]


def check_text(text: str, fields: tuple[str, ...]) -> None:
    """Check that the text holds only known fields, written {field}; {{ and }} are brackets. Raises TemplateInvalid."""
    if len(text) > MAX_TEMPLATE_LENGTH:
        raise TemplateInvalid(Message("template_long", length=len(text), max=MAX_TEMPLATE_LENGTH))
    place = 1
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as fault:
        raise TemplateInvalid(Message("template_brackets", detail=str(fault))) from None
    for literal, name, spec, conversion in parts:
        place += len(literal)
        if name is None:
            continue
        if name not in fields:
            nearest = next(iter(get_close_matches(name, fields, 1)), "")
            raise TemplateInvalid(Message("template_field", place=place, name=name, nearest=nearest, known=fields))
        if spec or conversion:
            raise TemplateInvalid(Message("template_format", place=place, name=name))
        place += len(name) + 2


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a checked text with its fields filled in."""
    return "".join(
        literal + (values.get(name, "") if name is not None else "")
        for literal, name, _, _ in string.Formatter().parse(text)
    )
