"""The kinds of connectors that are there."""

from collections.abc import Iterator, Mapping
from importlib import import_module

from connectors.base import Connector


class _Kinds(Mapping[str, type[Connector]]):
    """Each kind is imported when it is asked for: a server that takes only pushes starts without the others."""

    def __init__(self, classes: Mapping[str, str]) -> None:
        self._classes = classes

    def __getitem__(self, kind: str) -> type[Connector]:
        name = self._classes[kind]
        connector: type[Connector] = getattr(import_module(f"connectors.{kind}"), name)
        return connector

    def __iter__(self) -> Iterator[str]:
        return iter(self._classes)

    def __len__(self) -> int:
        return len(self._classes)


CONNECTORS = _Kinds(
    {"http_push": "HttpPush", "http_poll": "HttpPoll", "file_drop": "FileDrop", "mqtt": "MqttSubscription"}
)
PUSHED = ("http_push",)
PULLED = tuple(kind for kind in CONNECTORS if kind not in PUSHED)
