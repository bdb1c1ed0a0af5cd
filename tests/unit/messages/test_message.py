"""Messages: the sentence in both languages, what is filled in, and the way over JSON and between processes."""

import json
import pickle
from typing import Any

import pytest

from ioc.errors import IocError
from ioc.messages import Message, tables, terminal_language

TEXTS = {
    "vi": {
        "plain": "Không có luật {rule}.",
        "outer": "{file}: {reason}. Hãy sửa tệp.",
        "hint": "Không có {given}.{nearest:did_you_mean}",
        "did_you_mean": " Có phải là {value}?",
        "typed": "Ghi {wanted:wanted_*}.",
        "wanted_text": "chữ",
        "braces": "Ghi {{ vi = {given} }}.",
    },
    "en": {
        "plain": "There is no rule {rule!r}.",
        "outer": "{file}: {reason}. Correct the file.",
        "hint": "There is no {given!r}{nearest:did_you_mean}.",
        "did_you_mean": "; did you mean {value!r}?",
        "typed": "Write {wanted:wanted_*}.",
        "wanted_text": "a text",
        "braces": "Write {{ vi = {given} }}.",
    },
}


@pytest.fixture(autouse=True)
def own_tables(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(tables, "texts", lambda language: TEXTS[language])
    tables._parts.cache_clear()
    yield
    tables._parts.cache_clear()


@pytest.mark.parametrize(
    ("code", "params", "vi", "en"),
    [
        pytest.param("plain", {"rule": "a{b}"}, "Không có luật a{b}.", "There is no rule 'a{b}'.", id="a parameter"),
        pytest.param("plain", {"rule": 0.5}, "Không có luật 0,5.", "There is no rule 0.5.", id="a number"),
        pytest.param(
            "outer",
            {"file": "a.toml", "reason": Message},
            "a.toml: Không có luật x. Hãy sửa tệp.",
            "a.toml: There is no rule 'x'. Correct the file.",
            id="a message in a message, in its language and with one full stop",
        ),
        pytest.param(
            "hint", {"given": "a", "nearest": ""}, "Không có a.", "There is no 'a'.", id="a clause that is left out"
        ),
        pytest.param(
            "hint",
            {"given": "a", "nearest": "b"},
            "Không có a. Có phải là b?",
            "There is no 'a'; did you mean 'b'?.",
            id="a clause",
        ),
        pytest.param("typed", {"wanted": "text"}, "Ghi chữ.", "Write a text.", id="a word by its code"),
        pytest.param("typed", {"wanted": "x"}, "Ghi x.", "Write x.", id="a word without a code"),
        pytest.param(
            "outer", {"file": ["a", "b"], "reason": "x"}, "a, b: x. Hãy sửa tệp.", "a, b: x. Correct the file."
        ),
        pytest.param("braces", {"given": 1}, "Ghi { vi = 1 }.", "Write { vi = 1 }.", id="braces"),
    ],
)
def test_both_languages(code: str, params: dict[str, Any], vi: str, en: str) -> None:
    filled = {name: Message("plain", rule="x") if value is Message else value for name, value in params.items()}
    message = Message(code, **filled)
    assert (message.text("vi"), message.text("en"), str(message)) == (vi, en, en)
    over_json = Message.of_shape(json.loads(json.dumps(message.shape())))
    assert over_json is not None
    assert over_json.text("vi") == vi
    copied = pickle.loads(pickle.dumps(message))
    assert (copied, copied.text("vi")) == (en, vi)


def test_what_has_no_text() -> None:
    with pytest.raises(KeyError):
        Message("unknown")
    with pytest.raises(KeyError):
        Message("plain")
    assert Message.of_shape({"code": "of_a_later_version", "params": {}}) is None
    assert Message.of_shape({"code": "plain", "params": {}}) is None


def test_an_error_has_the_text_of_its_message() -> None:
    fault = IocError(Message("plain", rule="x"))
    assert (str(fault), fault.text("vi"), fault.code) == ("There is no rule 'x'.", "Không có luật x.", "plain")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "vi_VN.UTF-8"}, "vi"),
        ({"LANG": "vi_VN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C", "IOC_LANGUAGE": "vi"}, "vi"),
        ({"LANG": "vi_VN", "IOC_LANGUAGE": "fr"}, "vi"),
    ],
)
def test_the_language_of_a_terminal(environment: dict[str, str], language: str) -> None:
    assert terminal_language(environment) == language
