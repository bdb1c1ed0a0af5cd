"""MQTT messages with hostile topics and payloads: each gives records or refusals with a reason, none is an error."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from connectors.base import ConnectorContext, SourcePage, build_intake
from connectors.batching import SCHEMAS, PendingIntake, build_messages
from connectors.configuration import read_source
from connectors.mqtt import MqttSubscription
from ioc.clock import FixedClock
from ioc.settings import VIETNAM
from ioc.wire import arrow
from tests.fuzz.counts import MQTT
from tests.support.catalogs import hue
from tests.support.fake_centre import NOW
from tests.support.mutations import mutated

HEAD = """name = { vi = "Thử", en = "Test" }
kind = "mqtt"
[mqtt]
host = "127.0.0.1"
topic = "a/{unit}/{measure}/{subject}"
"""
MAPPING = """[mapping]
numbers = "vietnamese"
unit = "$unit"
subject = "$subject"
measure = "$measure"
time = { from = "t", format = ["rfc3339", "epoch_s", "dd/MM/yyyy"], default = "$arrival" }
value = { from = "d.v", scale = 0.5 }
"""
TOPICS = (b"a/19753/air.pm25/D", b"a/19753/air.pm25/D/more", b"a//air.pm25/", b"b/19753/air.pm25/D")
PAYLOADS = [
    b"31.5",
    json.dumps({"value": 31.5, "time": "2026-11-22T06:00:00+07:00"}).encode(),
    json.dumps([{"d": {"v": "1.250,5"}, "t": 1_795_000_000}, {"d": {"v": 3}, "t": "21/11/2026"}, 7]).encode(),
    b'{"value": 1}\n{"value": 2}\n',
]


@pytest.mark.parametrize("count", [MQTT[0], pytest.param(MQTT[1], marks=pytest.mark.soak)])
@pytest.mark.parametrize("mapping", ["", MAPPING], ids=["plain", "mapped"])
def test_messages(tmp_path: Path, count: int, mapping: str) -> None:
    (tmp_path / "mqtt.toml").write_text(HEAD + mapping, encoding="utf-8")
    context = ConnectorContext(hue().vocabulary, FixedClock(NOW), VIETNAM, tmp_path)
    connector = MqttSubscription(read_source(tmp_path / "mqtt.toml"), context)
    rng = random.Random(count)
    readings, reasons = 0, set[str]()
    for number in range(count):
        topic = mutated(TOPICS, rng) if rng.random() < 0.3 else TOPICS[0]
        payload = mutated(PAYLOADS, rng)
        arrival = rng.choice(["2026-11-22T00:00:00Z", ""])
        rows = connector.parse(topic.decode(errors="replace"), payload, arrival)
        intake = build_intake(SourcePage(rows), connector.mapping, context)
        place = f"message {number}: {topic!r} {payload[:200]!r}"
        assert intake.records >= len(rows), place
        assert all(str(r.message).endswith(".") and len(r.message) < 1000 for r in intake.rejections), place
        for message in build_messages([PendingIntake(intake, {}, None)], None):  # type: ignore[arg-type]
            batch, rejections = arrow.decode(message.value, SCHEMAS[message.topic])
            assert batch.num_rows + len(rejections) == message.received, place
        readings += intake.readings.num_rows if intake.readings is not None else 0
        reasons |= {str(rejection.reason) for rejection in intake.rejections}
    assert readings > count / 50
    assert {"malformed", "missing_field", "wrong_type"} <= reasons
