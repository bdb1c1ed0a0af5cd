"""Messages of `ioc.replays.v1`: refused records to be read again, and the results.

A request goes to the process that runs the source, which answers on the same topic. Both are JSON; the header
`ioc-replay` is `request` or `result`.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import orjson

from ioc.errors import BatchMalformed
from ioc.messages import Message

KIND_HEADER = "ioc-replay"
REQUEST, RESULT = b"request", b"result"
_TIME = "$datetime"


@dataclass(frozen=True)
class RefusedRecord:
    """One dead letter to be read again.

    `index` is that of the dead letter, `place` the text made by `encode_place`, empty for none; `is_cut`: only the
    beginning of `content` was kept. With `records` above 1 content and place have one record per line.
    """

    key: str
    index: int
    content: bytes
    place: str = ""
    is_cut: bool = False
    records: int = 1


@dataclass(frozen=True)
class ReplayRequest:
    """A request to read records again. `by` is the name of the person who makes it."""

    id: str
    source: str
    by: str
    records: Sequence[RefusedRecord]

    def encode(self) -> bytes:
        records = [{**asdict(one), "content": b64encode(one.content).decode()} for one in self.records]
        return orjson.dumps({"id": self.id, "source": self.source, "by": self.by, "records": records})

    @classmethod
    def decode(cls, content: bytes) -> ReplayRequest:
        """Decode a request. Raises BatchMalformed."""
        try:
            found = orjson.loads(content)
            records = [RefusedRecord(**{**one, "content": b64decode(one["content"])}) for one in found["records"]]
            return cls(_text(found["id"]), _text(found["source"]), _text(found["by"]), records)
        except (ValueError, TypeError, KeyError) as fault:
            raise BatchMalformed(Message("not_replay_request", reason=repr(fault))) from fault


@dataclass(frozen=True)
class ReplayResult:
    """The result of a replay: keys of dead letters by what became of them.

    `replayed` were received again, now or earlier; `refused` are still unfit, with the reason and a sentence;
    `not_replayable` cannot be read, with the cause. `records` were received now, of which `duplicates` had come in the
    meantime. `files` were put back into the source's folder.
    """

    id: str
    source: str
    replayed: Sequence[str] = ()
    records: int = 0
    duplicates: int = 0
    refused: Sequence[tuple[str, str, str]] = ()
    not_replayable: Sequence[tuple[str, str]] = ()
    files: Sequence[str] = field(default_factory=tuple)

    def encode(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def decode(cls, content: bytes) -> ReplayResult:
        """Decode a result. Raises BatchMalformed."""
        try:
            result = cls(**orjson.loads(content))
            _text(result.id)
            return result
        except (ValueError, TypeError) as fault:
            raise BatchMalformed(Message("not_replay_result", reason=repr(fault))) from fault


def _text(value: Any) -> str:
    """Check that a value is text, since requests are looked up by it. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is not a text")
    return value


def encode_place(place: Mapping[str, Any]) -> str:
    """Encode as JSON what a refused record's content does not say; datetimes stay datetimes."""
    try:
        return orjson.dumps(place, default=_encoded, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()
    except TypeError:  # a whole number beyond 64 bits, or half a character, which no replay can make fit either
        return json.dumps(place, default=_encoded)


def decode_place(text: str) -> dict[str, Any]:
    """Decode the text made by `encode_place`. Raises ValueError."""
    found: dict[str, Any] = _decoded(orjson.loads(text)) if text else {}
    return found


def _encoded(value: Any) -> Any:
    return {_TIME: value.isoformat()} if isinstance(value, datetime) else str(value)


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_TIME}:
            return datetime.fromisoformat(value[_TIME])
        return {name: _decoded(one) for name, one in value.items()}
    return [_decoded(one) for one in value] if isinstance(value, list) else value
