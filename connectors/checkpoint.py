"""Checkpoints: what a source's writer keeps on disk about its position in the source and in the log."""

from __future__ import annotations

import fcntl
import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import orjson

from connectors.same_key import SameKey
from ioc.atomic_file import write_atomically
from ioc.errors import ConfigurationInvalid
from ioc.messages import Message

Serial = tuple[int, int]
"""Identity of a batch: the generation of the writer that made it, and a count. Grows in the order of making."""

_NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,62}$")


@dataclass(frozen=True)
class Checkpoint:
    """The state of a writer. It may lag behind the log, which the next opening reads back.

    `position` is the source's own position. `offsets` are by topic the next offset after the last acknowledged batch,
    and `delivered` is the serial of that batch. `same_key` is what the source's file said at that time; readings timed
    before `corrects_from_ms` may have been sent before the source corrected itself.
    """

    generation: int = 0
    position: Any = None
    offsets: dict[str, int] = field(default_factory=dict)
    delivered: Serial = (0, 0)
    totals: dict[str, int] = field(default_factory=dict)
    same_key: str = ""
    corrects_from_ms: int = 0

    def for_same_key(self, same_key: SameKey, now_ms: int) -> Checkpoint:
        """Return the checkpoint for a source that says `same_key`; if it is new, it holds from now on."""
        if same_key is not SameKey.CORRECTION:
            return replace(self, same_key=same_key, corrects_from_ms=0)
        if self.same_key == same_key:
            return self
        has_sent = self.delivered != (0, 0) or any(self.totals.values())
        return replace(self, same_key=same_key, corrects_from_ms=now_ms if has_sent else 0)


def checked_source_name(source: str) -> str:
    """Return the name, which is used in paths, headers and addresses. Raises ConfigurationInvalid if it is wrong."""
    if not _NAME.match(source):
        raise ConfigurationInvalid(Message("source_name", source=source))
    return source


class CheckpointFile:
    """`<data_dir>/checkpoints/<source>.json`, held by one process at a time through a lock beside it."""

    def __init__(self, data_dir: Path, source: str) -> None:
        """Take the lock. Raises ConfigurationInvalid when another process runs the source."""
        self._path = data_dir / "checkpoints" / f"{checked_source_name(source)}.json"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock: IO[str] = self._path.with_suffix(".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise ConfigurationInvalid(Message("source_run_elsewhere", source=source, data_dir=data_dir)) from None

    def load(self) -> Checkpoint | None:
        """Return the checkpoint; None before the first save. Raises ConfigurationInvalid when the file is damaged."""
        try:
            stored = orjson.loads(self._path.read_bytes())
            return Checkpoint(**{**stored, "delivered": (int(stored["delivered"][0]), int(stored["delivered"][1]))})
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, IndexError) as fault:
            raise ConfigurationInvalid(Message("checkpoint_unreadable", path=self._path, reason=str(fault))) from fault

    def save(self, checkpoint: Checkpoint) -> None:
        """Write the checkpoint; it is on disk when this returns. Raises OSError."""
        write_atomically(self._path, orjson.dumps(asdict(checkpoint)), durable=True)

    def close(self) -> None:
        """Release the lock."""
        self._lock.close()
