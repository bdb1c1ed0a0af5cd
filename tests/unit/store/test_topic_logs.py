"""A re-created topic is told from the one the store has read."""

import pytest

from ioc.store.topic_logs import READ_TOPICS, judge_logs
from ioc.topics import CASE_UPDATES, CASES, DEAD_LETTERS, PANES, READINGS

SAME = dict.fromkeys(READ_TOPICS, "old")


@pytest.mark.parametrize(
    ("changed", "anew"),
    [
        pytest.param([], (), id="nothing changed"),
        pytest.param([READINGS, PANES], (READINGS, PANES), id="input and output begin anew together"),
        pytest.param([DEAD_LETTERS], (DEAD_LETTERS,), id="dead letters depend on no other"),
        pytest.param(list(READ_TOPICS), (DEAD_LETTERS, READINGS, PANES, CASES, CASE_UPDATES), id="a wiped broker"),
    ],
)
def test_begins_anew(changed: list[str], anew: tuple[str, ...]) -> None:
    verdict = judge_logs(SAME, SAME | dict.fromkeys(changed, "new"))
    assert (verdict.begins_anew, verdict.refusal) == (anew, "")


@pytest.mark.parametrize("topic", [READINGS, PANES, CASES, CASE_UPDATES])
def test_half_a_pair_is_refused(topic: str) -> None:
    verdict = judge_logs(SAME, SAME | {topic: "new"})
    assert f"Topic {topic} was re-created" in verdict.refusal
    assert "delete" in verdict.refusal


def test_a_new_store_takes_any_log() -> None:
    verdict = judge_logs({}, SAME)
    assert (verdict.begins_anew, verdict.refusal, verdict.waits_for) == ((), "", ())


def test_missing_topics_are_waited_for() -> None:
    assert judge_logs(SAME, {PANES: "old"}).waits_for == (READINGS, CASES, CASE_UPDATES, DEAD_LETTERS)
