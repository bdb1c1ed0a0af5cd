"""Records: what the store reads back, and what an older or newer version wrote."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from ioc.alert_service.external_alert import ExternalAlert
from ioc.alerts.engine import Saved
from ioc.alerts.grouping import Outbox
from ioc.alerts.handling import Acknowledgement, Shelving
from ioc.alerts.incidents import Incident
from ioc.alerts.records import from_record, to_record
from ioc.alerts.silences import Silence
from ioc.model.alert import Handling
from ioc.model.matcher import MatcherInvalid, parse_matchers
from ioc.model.rule import Severity

SHELVING = Shelving("a1", Handling.SHELVED, "disk-full", "46", 1, 2, "lan", "bảo trì", ends_on_resolve=True)
EXTERNAL = ExternalAlert("a", "k", "prom", "prom.up", "46", Severity.CRITICAL, {"alertname": "Up"}, {}, 5, revision=2)
SILENCE = Silence("s1", parse_matchers(['rule=~"own-.*"', 'unit != "1"']), 1, 2, "hoa", "thử", 1)


@dataclass(frozen=True)
class Plain:
    """Every kind of value that needs another form in JSON."""

    length: timedelta
    at: datetime
    clock: time
    kinds: frozenset[str]
    values: Mapping[str, float] = field(default_factory=dict)


@pytest.mark.parametrize("stored", [SHELVING, EXTERNAL, SILENCE], ids=["shelving", "external alert", "silence"])
def test_what_is_stored_is_read_back(stored: Any) -> None:
    assert from_record(type(stored), to_record(stored)) == stored


def test_values_that_json_does_not_have_get_a_plain_form() -> None:
    value = Plain(timedelta(minutes=1.5), datetime(2026, 12, 1, tzinfo=UTC), time(7, 30), frozenset("ba"), {"x": 1.0})
    assert to_record(value) == {
        "length": 90.0,
        "at": "2026-12-01T00:00:00+00:00",
        "clock": "07:30:00",
        "kinds": ["a", "b"],
        "values": {"x": 1.0},
    }
    assert to_record({"nan": float("nan"), "matchers": SILENCE.matchers}) == {
        "nan": None,
        "matchers": ['rule=~"own-.*"', 'unit!="1"'],
    }


def test_a_record_of_another_version_is_read() -> None:
    record = to_record(SHELVING)
    del record["ends_on_resolve"]
    assert from_record(Shelving, record | {"later": 1}) == replace(SHELVING, ends_on_resolve=False)


@pytest.mark.parametrize(
    ("kind", "record", "error"),
    [
        pytest.param(Shelving, {"id": "a1"}, ValueError, id="fields are missing"),
        pytest.param(Shelving, to_record(SHELVING) | {"kind": "put away"}, ValueError, id="not a kind of handling"),
        pytest.param(Silence, to_record(SILENCE) | {"matchers": ["rule"]}, MatcherInvalid, id="not a matcher"),
    ],
)
def test_a_record_of_something_else_is_refused(kind: type, record: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        from_record(kind, record)


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        pytest.param(
            Shelving,
            '{"id": "48", "kind": "shelved", "rule": "disk-full", "unit": "46", "from_ms": 1, "until_ms": 9, '
            '"by": "lan", "why": "bảo trì", "ends_on_resolve": true, "ended_ms": null, "ended_by": ""}',
            id="shelving",
        ),
        pytest.param(
            Silence,
            '{"id": "98", "matchers": ["rule=~\\"own-.*\\""], "from_ms": 1, "until_ms": 9, "by": "hoa", "why": "x", '
            '"created_ms": 1, "ends_on_resolve": false, "ended_ms": null, "ended_by": ""}',
            id="silence",
        ),
        pytest.param(
            Acknowledgement, '{"alert": "disk-low/46/5", "by": "lan", "at_ms": 7, "note": "nhận"}', id="acknowledgement"
        ),
        pytest.param(
            Outbox,
            '{"groups": {"root{}": {"key": "root{}", "route": "root", "opened_ms": 1, "due_ms": 2, "told_ms": 1, '
            '"number": 1, "members": {"a/46/1": {"alert": "a/46/1", "fired_ms": 1, "waiting": [], "is_quiet": true, '
            '"escalated": 1, "escalated_to": ["mail"]}}, "labels": {"rule": "a"}}}, '
            '"told": {"a/46/1": {"wall": "root{}"}}}',
            id="outbox",
        ),
        pytest.param(
            Saved,
            '{"now_ms": 9, "alerts": [{"rule": "a", "unit": "46", "condition": "firing", "onset_ms": 1, "fired_ms": 2, '
            '"cleared_ms": 0, "acknowledged": false, "severity": "high", "rule_version": "v1"}]}',
            id="engine",
        ),
        pytest.param(
            Incident,
            '{"id": "S-2026-0001", "title": "Sự cố", "severity": "high", "opened_ms": 1, "opened_by": "lan", '
            '"alerts": ["a/46/1"], "assignee": "", "procedures": {"p": {"procedure": {"id": "p", "name": {"vi": "P", '
            '"en": "P"}, "steps": [{"id": "1", "text": {"vi": "x", "en": "x"}}], "basis": ""}, "ticks": {"1": '
            '{"by": "lan", "at_ms": 3, "note": "xong"}}}}, "attachments": [], "timeline": [{"at_ms": 1, "by": "lan", '
            '"act": "procedure_taken_up", "of": "p", "text": ""}], "closed_ms": null, "closing_reason": null}',
            id="incident",
        ),
    ],
)
def test_what_the_version_of_november_2026_stored_is_read_and_written_the_same(kind: type, record: str) -> None:
    stored = json.loads(record)
    assert to_record(from_record(kind, stored)) == stored
