"""One sentence for a user, in every language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ioc.messages.tables import fill, is_code


class Message(str):
    """One sentence for a user: the English text, with the code and parameters that give it in another language.

    It is a `str`, so it goes wherever a text goes; what is made of it by joining or slicing is a plain text without a
    code. A parameter may itself be a Message; it is then filled in in the language of the whole.
    """

    __slots__ = ("code", "params")

    code: str
    params: Mapping[str, Any]

    def __new__(cls, code: str, /, **params: Any) -> Message:
        """Make the message `code` of the tables. Raises KeyError for an unknown code or a missing parameter."""
        message = super().__new__(cls, fill(code, params, "en"))
        message.code = code
        message.params = params
        return message

    @classmethod
    def of(cls, text: str) -> Message:
        """Return a text that is a Message as it is; any other, such as one of another program, without translation."""
        return text if isinstance(text, cls) else cls("plain_text", text=text)

    @classmethod
    def of_shape(cls, shape: Mapping[str, Any]) -> Message | None:
        """Make the message of what `shape` returned; None when the tables do not have its code or its parameters."""
        params = dict(shape.get("params") or {})
        inner = {name: cls.of_shape(each) for name, each in (shape.get("nested") or {}).items()}
        params.update({name: message for name, message in inner.items() if message is not None})
        try:
            return cls(shape["code"], **params) if is_code(shape["code"]) else None
        except KeyError:
            return None

    def text(self, language: str) -> str:
        """Return the sentence in `language`: `vi`, or English for any other."""
        return fill(self.code, self.params, "vi") if language == "vi" else str(self)

    def shape(self) -> dict[str, Any]:
        """Return `code` and `params` as JSON values; `nested` has the same of each parameter that is a Message."""
        nested = {name: value.shape() for name, value in self.params.items() if isinstance(value, Message)}
        plain = {name: _plain(value) for name, value in self.params.items()}
        return {"code": self.code, "params": plain} | ({"nested": nested} if nested else {})

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep the code and the parameters in a pickle."""
        return _remake, (self.code, dict(self.params))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _remake(code: str, params: Mapping[str, Any]) -> Message:
    return Message(code, **params)
