"""MQTT: the centre subscribes to what devices and gateways publish."""

from connectors.mqtt.connector import MqttSubscription

__all__ = ["MqttSubscription"]
