"""Conditions of a source, as operators see them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.batching import WriterCounts
from connectors.configuration import SourceConfiguration, source_table
from connectors.same_key import SameKey
from connectors.source_state import ArrivalTracker, SourceFacts, SourceHealth, state_of
from ioc.messages import Message
from ioc.model.source import SourceCondition

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


def ago(seconds: float | None) -> datetime | None:
    return None if seconds is None else NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("kind", "every_s", "data_s", "answer_s", "generation", "condition"),
    [
        pytest.param("http_poll", 60, 3600, 5, 1, "live", id="asked and answered, nothing new for an hour"),
        pytest.param("http_poll", 60, 3600, 61, 1, "late", id="asked, not answered in time"),
        pytest.param("file_drop", 60, 3600, 1, 1, "late", id="a folder that is looked into, without files"),
        pytest.param("file_drop", 60, 59, 1, 1, "live", id="a folder with a file in time"),
        pytest.param("http_push", 60, 61, None, 1, "late", id="a push that did not come"),
        pytest.param("http_push", 60, None, None, 1, "starting", id="a scheduled push just begun"),
        pytest.param("http_push", None, None, None, 1, "waiting", id="a push without schedule, nothing yet"),
        pytest.param("http_push", None, None, None, 0, "starting", id="not ready yet"),
        pytest.param("http_push", None, 86_400, None, 1, "live", id="a push without schedule, a day ago"),
        pytest.param("file_drop", None, None, 1, 1, "live", id="a folder without schedule"),
    ],
)
def test_condition(
    kind: str, every_s: float | None, data_s: float | None, answer_s: float | None, generation: int, condition: str
) -> None:
    every = None if every_s is None else timedelta(seconds=every_s)
    empty = source_table({}, "s.toml")
    facts = SourceFacts(
        source="s",
        configuration=SourceConfiguration("s", kind, {}, every, SameKey.REPEAT, empty, empty),
        counts=WriterCounts(generation=generation),
        health=SourceHealth(),
        last_success=ago(answer_s),
        arrivals=ArrivalTracker(NOW - timedelta(seconds=10), ago(data_s)),
    )
    state = state_of(facts, NOW)
    assert state.condition is SourceCondition(condition)


def test_an_error_brings_its_code_and_parameters() -> None:
    error = Message("kafka_away", reason="refused")
    health = SourceHealth(SourceCondition.REFUSING, error)
    state = state_of(SourceFacts("s", None, WriterCounts(), health, None, ArrivalTracker(NOW)), NOW)
    assert (state.error, state.error_code, state.error_params) == (error, "kafka_away", {"reason": "refused"})
