"""A re-created topic is told from the one the store has read."""

import pytest

from ioc.store.topic_logs import READ_TOPICS, judge_logs
from ioc.topics import CASE_UPDATES, CASES, DEAD_LETTERS, PANES, READINGS

EVEN = dict.fromkeys(READ_TOPICS, 4)
SAME = dict.fromkeys(READ_TOPICS, "old")


@pytest.mark.parametrize(
    ("changed", "anew"),
    [
        pytest.param([], (), id="nothing changed"),
        pytest.param([READINGS, PANES], (READINGS, PANES), id="input and output begin anew together"),
        pytest.param([PANES], (PANES,), id="an output alone: its inputs keep their offsets"),
        pytest.param([DEAD_LETTERS], (DEAD_LETTERS,), id="dead letters depend on no other"),
        pytest.param(list(READ_TOPICS), (DEAD_LETTERS, READINGS, PANES, CASES, CASE_UPDATES), id="a wiped broker"),
    ],
)
def test_recreated(changed: list[str], anew: tuple[str, ...]) -> None:
    verdict = judge_logs(SAME, SAME | dict.fromkeys(changed, "new"), EVEN)
    assert (verdict.recreated, verdict.refusal) == (anew, None)


@pytest.mark.parametrize("topic", [READINGS, CASES])
def test_an_input_without_its_output_is_refused(topic: str) -> None:
    verdict = judge_logs(SAME, SAME | {topic: "new"}, EVEN)
    assert f"Topic {topic} was re-created" in str(verdict.refusal)
    assert "delete" in str(verdict.refusal)


def test_a_new_store_takes_any_log() -> None:
    verdict = judge_logs({}, SAME, EVEN)
    assert (verdict.recreated, verdict.refusal, verdict.missing) == ((), None, ())


def test_missing_topics_are_waited_for() -> None:
    assert judge_logs(SAME, {PANES: "old"}, {}).missing == (READINGS, CASES, CASE_UPDATES, DEAD_LETTERS)


@pytest.mark.parametrize(("inputs", "outputs"), [(8, 4), (4, 8)])
def test_an_output_with_other_partitions_than_its_input_is_refused(inputs: int, outputs: int) -> None:
    verdict = judge_logs(SAME, SAME, EVEN | {READINGS: inputs, PANES: outputs})
    assert str(verdict.refusal).startswith(f"Topic {READINGS} has {inputs} partitions, {PANES} has {outputs}")
