"""The last message of each topic, by which a copy that the server retained is known again."""

from __future__ import annotations

from base64 import b64decode, b64encode
from hashlib import blake2b

MAX_TOPICS = 100_000
MAX_KEPT = 1000
"""Number of topics whose last message is still known after a restart."""
MARK_BYTES = 6


def mark_of(topic: str, payload: bytes) -> bytes:
    return blake2b(topic.encode() + b"\0" + payload, digest_size=MARK_BYTES).digest()


class LastMessages:
    """Marks by topic (or another name for where a message belongs), the latest last.

    A server sends a retained message again at each subscription, also one that came before as it was published.
    """

    def __init__(self, kept: str = "") -> None:
        """`kept` is what `written` gave. Raises ValueError for other text."""
        marks = b64decode(kept)
        # Of earlier marks the topic is not known; they go as soon as enough others have come.
        self._marks: dict[str | bytes, bytes] = {}
        self._known: dict[bytes, str | bytes] = {}
        for start in range(0, len(marks), MARK_BYTES):
            self._put(marks[start : start + MARK_BYTES], marks[start : start + MARK_BYTES])

    def knows(self, mark: bytes) -> bool:
        return mark in self._known

    def learn(self, topic: str, mark: bytes) -> None:
        self.forget(topic)
        self._put(topic, mark)
        if len(self._marks) > MAX_TOPICS:
            self.forget(next(iter(self._marks)))

    def forget(self, topic: str | bytes) -> None:
        """The message was not kept after all."""
        mark = self._marks.pop(topic, None)
        if mark is not None and self._known.get(mark) == topic:
            del self._known[mark]

    def written(self) -> str:
        return b64encode(b"".join(list(self._marks.values())[-MAX_KEPT:])).decode()

    def _put(self, topic: str | bytes, mark: bytes) -> None:
        self._marks[topic] = mark
        self._known[mark] = topic
