"""The conformance suite over every kind."""

import pytest

from tests.integration.connectors.conformance import ConnectorConformance
from tests.integration.connectors.systems import Agency, Amqtt, Mosquitto, MosquittoOf311, Pusher, RestServer

pytestmark = pytest.mark.kafka


class TestHttpPush(ConnectorConformance):
    system = Pusher


class TestHttpPoll(ConnectorConformance):
    system = RestServer


class TestFileDrop(ConnectorConformance):
    system = Agency


class TestMqtt5(ConnectorConformance):
    system = Mosquitto


class TestMqtt311(ConnectorConformance):
    system = MosquittoOf311


class TestMqttOfTheDemonstration(ConnectorConformance):
    system = Amqtt
