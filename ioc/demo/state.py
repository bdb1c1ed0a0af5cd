"""Remember over restarts when the simulated systems began, and how far each feed has sent."""

import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from ioc.atomic_file import write_atomically
from ioc.clock import to_ms
from ioc.errors import ConfigurationInvalid
from ioc.messages import Message

BEGINNING_STEP_MS = 300_000


def began_at_ms(data_dir: Path, now: datetime) -> int:
    """Return the moment at which the history ends and the live systems begin.

    It is the `now` of the first call, rounded down to five minutes (the step of the slowest live feed); later calls
    return the same.
    """
    path = data_dir / "demo" / "began_at.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{secrets.token_hex(4)}")
        draft.write_bytes(orjson.dumps(to_ms(now) // BEGINNING_STEP_MS * BEGINNING_STEP_MS))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    stored = _read(path)
    if not isinstance(stored, int):
        raise ConfigurationInvalid(Message("demo_time", path=path, folder=path.parent))
    return stored


class FeedProgress:
    """How far each feed has sent, in `<data_dir>/demo/handed_over.json`.

    An interval is claimed before it is sent and settled once the receiver has it. What a crash leaves claimed is sent
    again as the same interval, so that the receiver recognises it.
    """

    def __init__(self, data_dir: Path, began_at_ms: int) -> None:
        self._path = data_dir / "demo" / "handed_over.json"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._began_at_ms = began_at_ms
        stored = _read(self._path) if self._path.exists() else {}
        self._intervals: dict[str, list[int]] = stored if isinstance(stored, dict) else {}

    def until_ms(self, feed: str) -> int:
        """Return the end of what is settled (ms since 1970)."""
        return self._intervals.get(feed, [self._began_at_ms])[0]

    def claim(self, feed: str, to_ms: int) -> tuple[int, int]:
        """Return the interval to send now: the claimed one, or from the end of what is settled to `to_ms`."""
        from_ms, claimed_to_ms = [*self._intervals.get(feed, [self._began_at_ms]), 0][:2]
        if claimed_to_ms <= from_ms:
            claimed_to_ms = max(to_ms, from_ms)
            self._keep(feed, [from_ms, claimed_to_ms])
        return from_ms, claimed_to_ms

    def settle(self, feed: str, to_ms: int) -> None:
        """Note that the receiver has everything before `to_ms`."""
        self._keep(feed, [to_ms])

    def _keep(self, feed: str, interval: list[int]) -> None:
        self._intervals[feed] = interval
        write_atomically(self._path, orjson.dumps(self._intervals))


def _read(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        raise ConfigurationInvalid(Message("demo_unreadable", path=path, folder=path.parent)) from None
