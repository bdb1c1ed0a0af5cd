"""Remember the last message of each topic, to recognise the copy that the server retained."""

from __future__ import annotations

from base64 import b64decode, b64encode
from hashlib import blake2b

MAX_TOPICS = 100_000
MAX_SAVED = 1000
"""Number of topics whose last message is still known after a restart."""
DIGEST_BYTES = 6


def digest_of(topic: str, payload: bytes) -> bytes:
    """Return the digest of a message."""
    return blake2b(topic.encode() + b"\0" + payload, digest_size=DIGEST_BYTES).digest()


class LastMessages:
    """Digests by topic (or another name for where a message belongs), the latest last.

    A server sends a retained message again at each subscription, even if it was received when it was published.
    """

    def __init__(self, saved: str = "") -> None:
        """Restore what `to_text` returned. Raises ValueError for other text."""
        digests = b64decode(saved)
        # The topics of saved digests are not known; they are removed once enough others have come.
        self._digests: dict[str | bytes, bytes] = {}
        self._known: dict[bytes, str | bytes] = {}
        for start in range(0, len(digests), DIGEST_BYTES):
            self._put(digests[start : start + DIGEST_BYTES], digests[start : start + DIGEST_BYTES])

    def knows(self, digest: bytes) -> bool:
        """Whether a message with this digest is the last one of some topic."""
        return digest in self._known

    def learn(self, topic: str, digest: bytes) -> None:
        """Remember the last message of a topic."""
        self.forget(topic)
        self._put(topic, digest)
        if len(self._digests) > MAX_TOPICS:
            self.forget(next(iter(self._digests)))

    def forget(self, topic: str | bytes) -> None:
        """Forget the last message of a topic: it was not kept after all."""
        digest = self._digests.pop(topic, None)
        if digest is not None and self._known.get(digest) == topic:
            del self._known[digest]

    def to_text(self) -> str:
        """Return the digests of the latest MAX_SAVED messages in Base64."""
        return b64encode(b"".join(list(self._digests.values())[-MAX_SAVED:])).decode()

    def _put(self, topic: str | bytes, digest: bytes) -> None:
        self._digests[topic] = digest
        self._known[digest] = topic
