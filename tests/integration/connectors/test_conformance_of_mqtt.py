"""The conformance suite over MQTT: both versions with Mosquitto, and the server of the demonstration."""

import pytest

from tests.integration.connectors.conformance import ConnectorConformance
from tests.integration.connectors.systems import Amqtt, Mosquitto, MosquittoOf311

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


class TestMqtt5(ConnectorConformance):
    system = Mosquitto


@pytest.mark.soak
class TestMqtt311(ConnectorConformance):
    system = MosquittoOf311


@pytest.mark.soak
class TestMqttOfTheDemonstration(ConnectorConformance):
    system = Amqtt
