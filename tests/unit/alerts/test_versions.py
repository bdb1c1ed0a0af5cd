"""Versions of a rule: what is appended, going back, and the difference."""

import pytest

from ioc.alerts.refusals import ActRefused
from ioc.alerts.versions import Difference, difference, next_version, roll_back

FIRST = {"id": "r", "fires_above": 10, "name": {"vi": "a", "en": "b"}}
SECOND = {"id": "r", "fires_above": 12, "name": {"vi": "a", "en": "c"}, "held_for": "5m"}


def test_a_history_grows_and_goes_back() -> None:
    history = [next_version([], "r", FIRST, "An", 1, "mới")]
    history.append(next_version(history, "r", SECOND, "An", 2, "quá nhạy"))
    history.append(next_version(history, "r", None, "Bình", 3, "không cần nữa"))
    back = roll_back(history, 1, "An", 4, "cần lại")
    assert (back.number, back.of, back.fields) == (4, 1, FIRST)


def test_the_difference_names_inner_fields() -> None:
    assert difference(FIRST, SECOND) == [
        Difference("fires_above", 10, 12),
        Difference("held_for", None, "5m"),
        Difference("name.en", "b", "c"),
    ]
    assert [one.field for one in difference(None, FIRST)] == ["fires_above", "id", "name.en", "name.vi"]


def test_what_is_refused() -> None:
    history = [next_version([], "r", FIRST, "An", 1, "mới")]
    for refused in (
        lambda: next_version(history, "r", FIRST, "An", 2, "lại"),
        lambda: next_version(history, "r", SECOND, "An", 2, ""),
        lambda: next_version(history, "r", SECOND, "", 2, "x"),
        lambda: roll_back(history, 1, "An", 2, "x"),
        lambda: roll_back(history, 7, "An", 2, "x"),
    ):
        with pytest.raises(ActRefused):
            refused()
