"""Read refused records again with the mapping and the catalogue as they are now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any, Protocol

import numpy as np
import orjson
import pyarrow as pa

from connectors.batching import Intake, case_rows
from connectors.known_keys import Keys
from connectors.mapping import RecordMapping
from connectors.row_keys import Flags, record_keys
from ioc.errors import RecordUnfit
from ioc.model.case import Case
from ioc.model.reading import Reading
from ioc.model.rejection import Reason
from ioc.model.vocabulary import Vocabulary
from ioc.wire.replays import RefusedRecord, ReplayRequest, ReplayResult, decode_place
from ioc.wire.schemas import readings_batch

OWN_REJECTIONS_FROM = 1_000_000
"""From this index on, a worker refused the record, in the centre's own form (streams/agent_output.py)."""
FILE_OF_REFUSAL = "$refused_file"
"""Extra field of the one row of a page that stands for a whole file: the file's path in its folder."""
_CONTRADICTS = 'Its key came with another value; if the source corrects itself, set same_key = "correction".'
_NO_KEYS = np.empty(0, np.uint64)


class RecordNotReplayable(Exception):
    """The record cannot be read again; the text says why and what to do."""


@dataclass(frozen=True)
class RetriedRecord:
    """A record to be checked again.

    `keys` are to be remembered with it. It has come in the meantime if any of `known_by` is known.
    """

    record: Mapping[str, Any] | RecordUnfit
    keys: Keys
    known_by: Keys


class KnownRecords(Protocol):
    """Lookup of the keys that the source's writer knows."""

    def known_rows(self, row_keys: Keys) -> tuple[Flags, Flags]: ...
    def contradicts(self, readings: pa.RecordBatch) -> Flags: ...


@dataclass(frozen=True)
class _Replayed:
    """The records that one refused record gives; `known` more of them have come in the meantime."""

    dead_letter: str
    readings: Sequence[Reading]
    cases: Sequence[Case]
    known: int
    keys: Sequence[Keys]


@dataclass(frozen=True)
class _Checks:
    """What records are checked against."""

    mapping: RecordMapping
    vocabulary: Vocabulary
    now: datetime
    known: KnownRecords


def replay_intake(
    request: ReplayRequest, mapping: RecordMapping, vocabulary: Vocabulary, now: datetime, known: KnownRecords
) -> tuple[Intake, ReplayResult]:
    """Return the records of a request that are fit now, and the result to publish once they are safe.

    Each dead letter is replayed at most once: its own key is remembered with its records.
    """
    checks = _Checks(mapping, vocabulary, now, known)
    refused: dict[str, tuple[str, str]] = {}
    impossible: dict[str, str] = {}
    replayed = list[_Replayed]()
    for dead_letter in request.records:
        for key, single in _single(dead_letter):
            own_key = _key_of(key)
            if known.known_rows(own_key)[0].any():
                continue
            try:
                replayed.append(_read_again(dead_letter.key, own_key, single, checks))
            except RecordUnfit as fault:
                refused.setdefault(dead_letter.key, (fault.reason, str(fault)))
            except RecordNotReplayable as fault:
                impossible.setdefault(dead_letter.key, str(fault))
    replayed, contradicting = _without_contradictions(replayed, known)
    refused |= {letter: (Reason.KEY_CONFLICT, _CONTRADICTS) for letter in contradicting if letter not in refused}
    readings = [one for some in replayed for one in some.readings]
    cases = [one for some in replayed for one in some.cases]
    keys = [key for some in replayed for key in some.keys]
    intake = Intake(
        readings=readings_batch(readings) if readings else None,
        cases=case_rows(cases) if cases else None,
        duplicate=sum(some.known for some in replayed),
        row_keys=np.concatenate(keys) if keys else _NO_KEYS,
    )
    done = [one.key for one in request.records if one.key not in refused and one.key not in impossible]
    result = ReplayResult(
        request.id,
        request.source,
        done,
        intake.records,
        intake.duplicate,
        [(key, *why) for key, why in refused.items()],
        list(impossible.items()),
    )
    return intake, result


def file_of_refusal(record: RefusedRecord) -> str:
    """Return the file that was refused as a whole; empty for a record of any other kind."""
    try:
        return str(decode_place(record.place).get("file", "")) if record.records == 1 else ""
    except ValueError:
        return ""


def _read_again(dead_letter: str, own_key: Keys, refused: RefusedRecord, checks: _Checks) -> _Replayed:
    """Check one refused record again. Raises RecordUnfit, RecordNotReplayable."""
    fit, known, keys = list[Reading | Case](), 0, [own_key]
    for retried in _retried(refused, checks.mapping):
        if isinstance(retried.record, RecordUnfit):
            raise retried.record
        if len(retried.known_by) and checks.known.known_rows(retried.known_by)[0].any():
            known += 1
        else:
            fit.append(checks.mapping.checked(retried.record, checks.vocabulary, checks.now))
        keys.append(retried.keys)
    readings = [one for one in fit if isinstance(one, Reading)]
    return _Replayed(dead_letter, readings, [one for one in fit if isinstance(one, Case)], known, keys)


def _without_contradictions(replayed: list[_Replayed], known: KnownRecords) -> tuple[list[_Replayed], set[str]]:
    """Return what the writer would accept, and the dead letters of the rest.

    Those are not submitted: a second refusal would make a second dead letter.
    """
    readings = [one for some in replayed for one in some.readings]
    if not readings:
        return replayed, set()
    flags = iter(known.contradicts(readings_batch(readings)).tolist())
    kept, left = list[_Replayed](), set[str]()
    for some in replayed:
        own_flags = [next(flags) for _ in some.readings]
        if any(own_flags):
            left.add(some.dead_letter)
        else:
            kept.append(some)
    return kept, left


def _single(dead_letter: RefusedRecord) -> Iterator[tuple[str, RefusedRecord]]:
    """Yield the records of a dead letter, each with a key of its own."""
    if dead_letter.records == 1:
        yield dead_letter.key, dead_letter
        return
    contents = dead_letter.content.split(b"\n")
    places = dead_letter.place.split("\n") if dead_letter.place else [""] * len(contents)
    if dead_letter.is_cut or not len(contents) == len(places) == dead_letter.records:
        yield dead_letter.key, replace(dead_letter, records=1, is_cut=True)
        return
    for number, (content, place) in enumerate(zip(contents, places, strict=True)):
        yield f"{dead_letter.key} {number}", replace(dead_letter, content=content, place=place, records=1)


def _retried(refused: RefusedRecord, mapping: RecordMapping) -> Iterator[RetriedRecord]:
    """Map the content of a refused record again. Raises RecordNotReplayable."""
    if refused.index < 0:
        raise RecordNotReplayable("A whole message was refused; its producer has to send it again.")
    if refused.is_cut:
        raise RecordNotReplayable("Not all of it was kept; the source has to send it again.")
    try:
        place = decode_place(refused.place)
    except ValueError:
        raise RecordNotReplayable("What was kept with the record cannot be read.") from None
    row = {**_parsed(refused.content), **place.get("row", {})}
    if not row:
        raise RecordNotReplayable("The record could not be parsed; correct it at the source and send it again.")
    if refused.index >= OWN_REJECTIONS_FROM or not mapping.outputs:
        record = {name: value for name, value in row.items() if not name.startswith("$")}
        yield RetriedRecord(record, _NO_KEYS, _NO_KEYS)
        return
    if "parts" not in place:
        raise RecordNotReplayable(
            "It was refused by an earlier version, which did not keep all that the mapping needs."
        )
    records = mapping.records(row)
    # One rejection may stand for the whole row; else the mapping must give as many records as it gave then.
    parts: Sequence[int] = range(len(records)) if place["parts"] == 1 else (place["part"],)
    if place["parts"] not in (1, len(records)):
        sentence = f"The mapping gives {len(records)} records per row now, and gave {place['parts']} then"
        raise RecordNotReplayable(f"{sentence}; have the source send the row again.")
    for part in parts:
        if "key" in place:
            keys, known_by = record_keys(int(place["key"], 16), part, place["round"])
        else:
            keys = known_by = _NO_KEYS
        yield RetriedRecord(records[part], keys, known_by)


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        row = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return row if isinstance(row, dict) else {}


def _key_of(dead_letter: str) -> Keys:
    digest = blake2b(f"dead letter {dead_letter}".encode(), digest_size=8).digest()
    return np.frombuffer(digest, np.uint64)
