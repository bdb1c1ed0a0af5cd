"""The Python that makes the environment: recent enough, and with what puts pip into it."""

import pytest

from setup import environment
from setup.steps import SetupFailed


@pytest.mark.parametrize(
    ("has", "expected"),
    [
        pytest.param({"python3": True}, "python3", id="one that can"),
        pytest.param({"python3.11": False, "python3": True}, "python3", id="the first cannot make pip"),
        pytest.param({"python3.11": True, "python3": True}, "python3.11", id="the tested version first"),
    ],
)
def test_the_first_that_can_make_pip(has: dict[str, bool], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "answers", lambda name, code: name in has and (has[name] or "pip" not in code))
    assert environment.suitable_interpreter() == expected


@pytest.mark.parametrize(
    ("has", "words"),
    [
        pytest.param({"python3": False}, "python3 has no ensurepip; install Debian's package python3-venv", id="bare"),
        pytest.param({}, "no Python 3.11 or newer", id="none"),
    ],
)
def test_what_is_missing_is_one_sentence(has: dict[str, bool], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "answers", lambda name, code: name in has and "pip" not in code)
    with pytest.raises(SetupFailed, match=words):
        environment.suitable_interpreter()
