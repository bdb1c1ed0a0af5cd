"""What a source's writer knows of itself on disk: its place in the source and in the log."""

from __future__ import annotations

import fcntl
import os
import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import orjson

from connectors.same_key import SameKey
from ioc.errors import ConfigurationInvalid

Serial = tuple[int, int]
"""Identity of a sealed batch: the generation of the writer that sealed it, and a count. Grows in order of sealing."""

_NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,62}$")


@dataclass(frozen=True)
class Checkpoint:
    """`position` is the source's own place; `offsets` give, by topic, the Kafka offset behind the last acknowledged
    batch; `delivered` is the serial of that batch. It may lag behind the log, which the next opening reads back.
    `same_key` is what the source said at that time; readings timed before `corrects_from_ms` were perhaps sent before
    it corrected itself."""

    generation: int = 0
    position: Any = None
    offsets: dict[str, int] = field(default_factory=dict)
    delivered: Serial = (0, 0)
    totals: dict[str, int] = field(default_factory=dict)
    same_key: str = ""
    corrects_from_ms: int = 0

    def for_same_key(self, same_key: SameKey, now_ms: int) -> Checkpoint:
        """The checkpoint once the source says `same_key`, from the present time on if it said another thing before."""
        if same_key is not SameKey.CORRECTION:
            return replace(self, same_key=same_key, corrects_from_ms=0)
        if self.same_key == same_key:
            return self
        has_sent = self.delivered != (0, 0) or any(self.totals.values())
        return replace(self, same_key=same_key, corrects_from_ms=now_ms if has_sent else 0)


def checked_source_name(source: str) -> str:
    """Raises ConfigurationInvalid: the name goes into paths, headers and addresses."""
    if not _NAME.match(source):
        raise ConfigurationInvalid(
            f"Source name {source!r} is not of small letters, digits and hyphens (at most 63, a hyphen not first)."
        )
    return source


class CheckpointFile:
    """`<data_dir>/checkpoints/<source>.json`, held by one process at a time through a lock beside it."""

    def __init__(self, data_dir: Path, source: str) -> None:
        """Raises ConfigurationInvalid when another process runs the source."""
        self._path = data_dir / "checkpoints" / f"{checked_source_name(source)}.json"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock: IO[str] = self._path.with_suffix(".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise ConfigurationInvalid(f"Source {source!r} is already run by another process on {data_dir}.") from None

    def load(self) -> Checkpoint | None:
        """None before the first save. Raises ConfigurationInvalid when the file is damaged."""
        try:
            stored = orjson.loads(self._path.read_bytes())
            return Checkpoint(**{**stored, "delivered": (int(stored["delivered"][0]), int(stored["delivered"][1]))})
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, IndexError) as fault:
            raise ConfigurationInvalid(
                f"Checkpoint {self._path} cannot be read: {fault}; restore or remove it."
            ) from fault

    def save(self, checkpoint: Checkpoint) -> None:
        """On disk when it returns; a crash leaves the former or the new one, never a part. Raises OSError."""
        draft = self._path.with_suffix(".part")
        with draft.open("wb") as file:
            file.write(orjson.dumps(asdict(checkpoint)))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)

    def close(self) -> None:
        self._lock.close()
