"""What the simulated sector systems remember over a restart: when they began, and how far each feed has handed over."""

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
    """The moment at which back history ends and the live systems begin: the first caller's `now`, down to five
    minutes (the step of the slowest live feed); every later call gives the same."""
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


class HandedOver:
    """How far each feed has handed over, in `<data_dir>/demo/handed_over.json`.

    An interval is claimed before it is sent and settled once the other side has it: what a crash leaves claimed is
    sent again, as the same interval, so that the other side knows it again.
    """

    def __init__(self, data_dir: Path, began_at_ms: int) -> None:
        self._path = data_dir / "demo" / "handed_over.json"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._began_at_ms = began_at_ms
        stored = _read(self._path) if self._path.exists() else {}
        self._intervals: dict[str, list[int]] = stored if isinstance(stored, dict) else {}

    def until_ms(self, feed: str) -> int:
        """Behind what is settled."""
        return self._intervals.get(feed, [self._began_at_ms])[0]

    def claim(self, feed: str, to_ms: int) -> tuple[int, int]:
        """The interval to send now: what was claimed before, or from what is settled to `to_ms`."""
        from_ms, claimed_to_ms = [*self._intervals.get(feed, [self._began_at_ms]), 0][:2]
        if claimed_to_ms <= from_ms:
            claimed_to_ms = max(to_ms, from_ms)
            self._keep(feed, [from_ms, claimed_to_ms])
        return from_ms, claimed_to_ms

    def settle(self, feed: str, to_ms: int) -> None:
        self._keep(feed, [to_ms])

    def _keep(self, feed: str, interval: list[int]) -> None:
        self._intervals[feed] = interval
        write_atomically(self._path, orjson.dumps(self._intervals))


def _read(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        raise ConfigurationInvalid(Message("demo_unreadable", path=path, folder=path.parent)) from None
