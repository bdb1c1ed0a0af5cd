"""Hostile inputs made from sound ones. Pure; the same seed gives the same inputs."""

from __future__ import annotations

import random
from collections.abc import Sequence

TOKENS = (
    b"NaN", b"-Infinity", b"1e999", b"-0", b"1" * 400, b"9" * 25, b"null", b"true", b"[]", b"{}", b'""', b'"', b"\\",
    b"[" * 1500, b'{"a":' * 300, b"]", b"}", b",", b":", b"\n", b"\r", b"\x00", b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3",
    b"\xed\xa0\x80", b'"\\ud800"', b'"\\u0000"', b'"value": 1, "value": 2', b'"=cmd|calc"', b"'; DROP TABLE cases; --",
    b"\xe1\xbb\x99" * 300, b"x" * 3000, b"2026-02-30T00:00:00Z", b"0000-00-00", b"-9223372036854775808", b"<html>",
    b'"__class__"', b"1_000", b"0x10", b"1.250.000", b"\xe2\x80\xae", b"/*", b"//",
)  # fmt: skip


def mutated(seeds: Sequence[bytes], rng: random.Random) -> bytes:
    """One of the seeds, changed in up to four ways."""
    content = bytearray(rng.choice(seeds))
    for _ in range(rng.randrange(5)):
        place = rng.randrange(len(content) + 1)
        end = min(len(content), place + rng.randrange(1, 40))
        match rng.randrange(6):
            case 0:
                content[place:place] = rng.choice(TOKENS)
            case 1:
                content[place:end] = rng.choice(TOKENS)
            case 2:
                del content[place:end]
            case 3:
                content[place:place] = content[place:end] * rng.randrange(1, 4)
            case 4:
                content[place:end] = rng.randbytes(end - place)
            case _:
                del content[place:]
    return bytes(content)
