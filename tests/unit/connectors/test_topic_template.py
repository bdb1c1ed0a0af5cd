"""Topic templates."""

import pytest

from connectors.mqtt.topic import TopicTemplate


@pytest.mark.parametrize(
    ("template", "topic", "words"),
    [
        pytest.param("air/{unit}/{measure}", "air/46/pm25", {"unit": "46", "measure": "pm25"}, id="names"),
        pytest.param("air/{unit}/+", "air/46/x", {"unit": "46"}, id="any word without a name"),
        pytest.param("tele/{subject}/#", "tele/a/b/c", {"subject": "a"}, id="the rest"),
        pytest.param("air/{unit}", "water/46", None, id="another word"),
        pytest.param("air/{unit}", "air/46/x", None, id="too deep"),
        pytest.param("air/{unit}/x", "air/46", None, id="too short"),
    ],
)
def test_words(template: str, topic: str, words: dict[str, str] | None) -> None:
    assert TopicTemplate.parse(template).named_levels(topic) == words


def test_subscription() -> None:
    assert TopicTemplate.parse("air/{unit}/pm/{subject}/#").subscription == "air/+/pm/+/#"
