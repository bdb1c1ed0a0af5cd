"""The kinds of connectors that are there."""

from connectors.base import Connector
from connectors.file_drop import FileDrop
from connectors.http_poll import HttpPoll
from connectors.http_push import HttpPush
from connectors.mqtt import MqttSubscription

CONNECTORS: dict[str, type[Connector]] = {kind.kind: kind for kind in (HttpPush, HttpPoll, FileDrop, MqttSubscription)}
PUSHED = ("http_push",)
PULLED = tuple(kind for kind in CONNECTORS if kind not in PUSHED)
