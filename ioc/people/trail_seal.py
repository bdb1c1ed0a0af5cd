"""Protect the audit trail outside its database: with the key of its hash chain, and its newest entry.

`trail.key` contains the key, and the last entry of the part that older versions chained without a key. That part stays
verifiable, since its last hash is here. `trail.head` contains number and hash of the newest entry. A person who can
only write the database can neither add a valid entry nor cut one off unnoticed.
"""

import fcntl
import hmac
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import orjson

from ioc.atomic_file import write_atomically
from ioc.errors import StoreUnavailable
from ioc.messages import Message


@dataclass(frozen=True, slots=True)
class Anchor:
    """Number and hash of the newest entry at some time; number 0 before the first entry."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class _KeyFile:
    key: bytes
    after: Anchor


class TrailSeal:
    """The files `trail.key` and `trail.head` next to `people.db`. Any number of processes may use them."""

    def __init__(self, people_path: Path) -> None:
        self._read: _KeyFile | None = None
        self._key_path = people_path.with_name("trail.key")
        self._head_path = people_path.with_name("trail.head")

    def begin(self, newest: Anchor) -> None:
        """Create the key (mode 600) for all entries after `newest`, unless there is one. Raises StoreUnavailable."""
        if self._key_path.exists():
            if not self._head_path.exists() and newest == self.unkeyed():
                self.note_head(newest)  # the process that made the key was killed before this
            return
        content = {"key": secrets.token_hex(32), "after": newest.number, "hash": newest.hash}
        draft = self._key_path.with_name(f".trail.key.{secrets.token_hex(4)}")
        with self._reporting():
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(orjson.dumps(content))
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, self._key_path)
            except FileExistsError:
                pass  # another process was quicker
            finally:
                draft.unlink()
        self.note_head(newest)

    def unkeyed(self) -> Anchor:
        """Return the last entry that is chained without the key. Raises StoreUnavailable."""
        return self._key_file().after

    def link(self, before: str, row: tuple[object, ...]) -> str:
        """Return the hash of an entry, which depends on that of the entry before. Raises StoreUnavailable."""
        return hmac.new(self._key_file().key, orjson.dumps([before, *row]), sha256).hexdigest()

    def head(self) -> Anchor | None:
        """Return number and hash of the newest entry; None if the file is missing or was not sealed with the key."""
        try:
            content = orjson.loads(self._head_path.read_bytes())
            anchor = Anchor(int(content["number"]), str(content["hash"]))
            return anchor if hmac.compare_digest(str(content["seal"]), self._sealed(anchor)) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def note_head(self, newest: Anchor) -> None:
        """Write `newest` to `trail.head`, unless a later entry is there already. Raises StoreUnavailable."""
        with self._reporting(), self._key_path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self.head()
            if known is not None and known.number > newest.number:
                return
            content = {"number": newest.number, "hash": newest.hash, "seal": self._sealed(newest)}
            write_atomically(self._head_path, orjson.dumps(content), private=True)

    def _sealed(self, anchor: Anchor) -> str:
        return self.link("head", (anchor.number, anchor.hash))

    def _key_file(self) -> "_KeyFile":
        if self._read is None:
            with self._reporting():
                content = orjson.loads(self._key_path.read_bytes())
                after = Anchor(int(content["after"]), str(content["hash"]))
                self._read = _KeyFile(bytes.fromhex(content["key"]), after)
        return self._read

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise StoreUnavailable(Message("trail_key", path=self._key_path, reason=str(fault))) from fault
