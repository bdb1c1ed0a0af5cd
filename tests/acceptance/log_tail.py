"""The end of a partition's log cut off on the disk, as a loss of power may do it."""

import struct
from pathlib import Path

_HEAD_BYTES = 12
"""Base offset (8) and length of the rest (4) of a record batch."""


def cut_last_batch(kafka_data: Path, topic: str, partition: int) -> int:
    """Cut within the last batch of the partition, whose broker does not run; return the first offset that is gone."""
    segment = max((kafka_data / f"{topic}-{partition}").glob("*.log"))
    content = segment.read_bytes()
    at = last = 0
    while at + _HEAD_BYTES <= len(content) and content[at + _HEAD_BYTES :].strip(b"\0"):
        last = at
        at += _HEAD_BYTES + struct.unpack_from(">i", content, at + 8)[0]
    assert at > 0, f"{segment} has no batch"
    with segment.open("r+b") as file:
        file.truncate(last + _HEAD_BYTES + 9)
    return int(struct.unpack_from(">q", content, last)[0])
