"""The kinds of connectors: each folder of this package that has a `manifest.toml` is one kind, named as its folder.

The manifest says what the rest of the centre must know of a kind. Nothing else lists the kinds, so a new one is a new
folder with its manifest. A kind's code is imported when one of its sources is made: a process that takes only pushes
starts without the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any

from ioc.catalog.packs import read_toml
from ioc.catalog.toml_table import RaiseAtFirstFault, TomlTable
from ioc.model.source import Liveness


class Direction(StrEnum):
    """Who begins: `pull`, the centre asks or listens (`ioc connect` runs it); `push`, the system calls `ioc serve`."""

    PULL = "pull"
    PUSH = "push"


@dataclass(frozen=True)
class ConnectorKind:
    """What a manifest says of a kind.

    `class_name` is the connector's class in the package `connectors.<id>`. `table` is the name of the kind's own table
    in a source's file. `liveness` says what counts as a sign of life of such a source.
    """

    id: str
    name: Mapping[str, str]
    class_name: str
    table: str
    direction: Direction
    liveness: Liveness

    def load_class(self) -> type[Any]:
        """Import the kind and return its class, a `connectors.base.Connector`."""
        connector: type[Any] = getattr(import_module(f"connectors.{self.id}"), self.class_name)
        return connector


def read_manifest(path: Path) -> ConnectorKind:
    """Return the kind whose folder holds this manifest. Raises ConfigurationInvalid naming file and field."""
    faults = RaiseAtFirstFault()
    table = TomlTable("", read_toml(path, faults), {}, f"{path.parent.name}/{path.name}", faults)
    kind = ConnectorKind(
        id=path.parent.name,
        name=table.names("name"),
        class_name=table.text("class"),
        table=table.text("table"),
        direction=Direction(table.choice("direction", tuple(Direction))),
        liveness=Liveness(table.choice("liveness", tuple(Liveness))),
    )
    table.finish()
    return kind


KINDS: Mapping[str, ConnectorKind] = {
    path.parent.name: read_manifest(path) for path in sorted(Path(__file__).parent.glob("*/manifest.toml"))
}
PUSHED = tuple(kind.id for kind in KINDS.values() if kind.direction is Direction.PUSH)
PULLED = tuple(kind.id for kind in KINDS.values() if kind.direction is Direction.PULL)
