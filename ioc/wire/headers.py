"""Message headers: CloudEvents in binary mode, and the centre's own counts and places.

The counts ride with the data, so that the ledger grows in the transaction that applies them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from ioc.errors import BatchMalformed

ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"
NDJSON = "application/x-ndjson"
CSV = "text/csv"

CORRECTION = b"correction"
"""Value of the header `ioc-same-key` of a batch whose readings replace earlier ones of their keys."""

Headers = list[tuple[str, bytes]]
EXTERNAL_SOURCE = "kafka"
"""Name under which the ledger counts messages of producers that name no source."""


@dataclass(frozen=True)
class BatchHeaders:
    """Headers of an input batch (`ioc.readings.v1`, `ioc.cases.v1`).

    `generation` grows with each start of a source's writer and `sequence` with each of its batches: a batch of an
    older generation behind a newer one is a dead writer's echo. `position` is the source's own place after this
    batch, `requests` the answered idempotency keys. `received` counts all records behind the batch: the rows, the
    rejections that travel along, and the `duplicate` ones that were dropped. With `corrects`, a reading whose key
    (measure, unit, subject, time) the source has sent before replaces the earlier one.
    """

    source: str
    kind: str
    batch_id: str
    time: str
    generation: int = 0
    sequence: int = 0
    received: int | None = None
    duplicate: int = 0
    content_type: str = ARROW
    position: Any = None
    requests: Mapping[str, Any] = field(default_factory=dict)
    corrects: bool = False

    def encode(self) -> Headers:
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", self.batch_id.encode()),
            ("ce_source", f"/sources/{self.source}".encode()),
            ("ce_type", f"vn.ioc.{self.kind}.v1".encode()),
            ("ce_time", self.time.encode()),
            ("content-type", self.content_type.encode()),
            ("ioc-generation", b"%d" % self.generation),
            ("ioc-sequence", b"%d" % self.sequence),
            ("ioc-duplicate", b"%d" % self.duplicate),
        ]
        if self.received is not None:
            headers.append(("ioc-received", b"%d" % self.received))
        if self.position is not None:
            headers.append(("ioc-position", orjson.dumps(self.position)))
        if self.requests:
            headers.append(("ioc-requests", orjson.dumps(self.requests)))
        if self.corrects:
            headers.append(("ioc-same-key", CORRECTION))
        return headers

    @classmethod
    def decode(cls, headers: Iterable[tuple[str, bytes]]) -> "BatchHeaders":
        """A producer of its own may send none of them; the source is then named by `ce_source`, or EXTERNAL_SOURCE.

        Raises BatchMalformed when a header of ours does not parse.
        """
        found = {name.lower(): value or b"" for name, value in headers}
        try:
            return cls(
                source=found.get("ce_source", b"").decode().rsplit("/", 1)[-1] or EXTERNAL_SOURCE,
                kind=[*found.get("ce_type", b"").decode().split("."), "", "", ""][2],
                batch_id=found.get("ce_id", b"").decode(),
                time=found.get("ce_time", b"").decode(),
                generation=_count(found.get("ioc-generation", b"0")),
                sequence=_count(found.get("ioc-sequence", b"0")),
                received=_count(found["ioc-received"]) if "ioc-received" in found else None,
                duplicate=_count(found.get("ioc-duplicate", b"0")),
                content_type=found.get("content-type", JSON.encode()).decode().split(";")[0].strip().lower(),
                position=orjson.loads(found["ioc-position"]) if "ioc-position" in found else None,
                requests=orjson.loads(found["ioc-requests"]) if "ioc-requests" in found else {},
                corrects=found.get("ioc-same-key") == CORRECTION,
            )
        except (ValueError, UnicodeDecodeError) as fault:
            raise BatchMalformed(f"A header of the batch cannot be read: {fault}") from fault


@dataclass(frozen=True)
class OutputHeaders:
    """Headers of an agent's output: which input it answers, and the counts of that input.

    received = applied + duplicate + sum of rejected. `input_time_ms` is when the broker took the input. `keyed`: the
    rows are single readings (`schemas.KEYED_READINGS`) instead of panes.
    """

    topic: str
    partition: int
    offset: int
    source: str
    generation: int
    sequence: int
    received: int
    applied: int
    duplicate: int
    rejected: Mapping[str, int]
    input_time_ms: int
    keyed: bool = False

    def encode(self) -> Headers:
        return [
            ("source-topic", self.topic.encode()),
            ("source-partition", b"%d" % self.partition),
            ("source-offset", b"%d" % self.offset),
            ("ioc-source", self.source.encode()),
            ("ioc-generation", b"%d" % self.generation),
            ("ioc-sequence", b"%d" % self.sequence),
            ("ioc-received", b"%d" % self.received),
            ("ioc-applied", b"%d" % self.applied),
            ("ioc-duplicate", b"%d" % self.duplicate),
            ("ioc-rejected", orjson.dumps(self.rejected)),
            ("ioc-input-time", b"%d" % self.input_time_ms),
            ("content-type", ARROW.encode()),
            *([("ioc-same-key", CORRECTION)] if self.keyed else []),
        ]

    @classmethod
    def decode(cls, headers: Iterable[tuple[str, bytes]]) -> "OutputHeaders":
        """Raises BatchMalformed when one is missing: only our agents write these topics."""
        found = dict(headers)
        try:
            return cls(
                topic=found["source-topic"].decode(),
                partition=int(found["source-partition"]),
                offset=int(found["source-offset"]),
                source=found["ioc-source"].decode(),
                generation=int(found["ioc-generation"]),
                sequence=int(found["ioc-sequence"]),
                received=int(found["ioc-received"]),
                applied=int(found["ioc-applied"]),
                duplicate=int(found["ioc-duplicate"]),
                rejected=orjson.loads(found["ioc-rejected"]),
                input_time_ms=int(found["ioc-input-time"]),
                keyed=found.get("ioc-same-key") == CORRECTION,
            )
        except (KeyError, ValueError) as fault:
            raise BatchMalformed(f"The output has no readable header {fault}.") from fault


def _count(text: bytes) -> int:
    """A whole number from 0 that 64 bits hold. Raises ValueError."""
    number = int(text)
    if not 0 <= number < 2**63:
        raise ValueError(f"{number} is no count")
    return number
