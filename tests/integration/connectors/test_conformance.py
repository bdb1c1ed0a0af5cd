"""The conformance suite over every kind but MQTT (test_conformance_of_mqtt.py)."""

import pytest

from tests.integration.connectors.conformance import ConnectorConformance
from tests.integration.connectors.systems import Agency, Pusher, RestServer

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


class TestHttpPush(ConnectorConformance):
    system = Pusher


class TestHttpPoll(ConnectorConformance):
    system = RestServer


class TestFileDrop(ConnectorConformance):
    system = Agency
