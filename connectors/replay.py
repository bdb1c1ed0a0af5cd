"""Refused records read again with the mapping and the catalogue as they are now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any, Protocol

import numpy as np
import orjson
import pyarrow as pa

from connectors.batching import Intake
from connectors.mapping import RecordMapping
from connectors.record_check import check_record
from connectors.record_keys import Keys
from connectors.row_keys import Flags, record_keys
from connectors.taken import case_rows
from ioc.errors import RecordUnfit
from ioc.model.case import Case
from ioc.model.reading import Reading
from ioc.model.rejection import Reason
from ioc.model.vocabulary import Vocabulary
from ioc.wire.replays import RefusedRecord, ReplayRequest, ReplayResult, decode_place
from ioc.wire.schemas import readings_batch

OWN_REJECTIONS_FROM = 1_000_000
"""Index from which on a worker refused the record, in the centre's own form (streams/agent_output.py)."""


_CONTRADICTS = 'Its key came with another value; if the source corrects itself, set same_key = "correction".'
FILE_OF_REFUSAL = "$refused_file"
"""Name around the one row of a page that stands for a whole file: the file's path in its folder."""


class NotReplayable(Exception):
    """The record cannot be read again; the text says why and what to do."""


@dataclass(frozen=True)
class Again:
    """A record to be checked again. `keys` are to be remembered with it; it came meanwhile if any of `known_by` is
    known."""

    record: Mapping[str, Any] | RecordUnfit
    keys: Keys
    known_by: Keys


class Known(Protocol):
    """Lookup of the keys that the source's writer knows."""

    def known_rows(self, row_keys: Keys) -> tuple[Flags, Flags]: ...
    def contradicts(self, readings: pa.RecordBatch) -> Flags: ...


@dataclass(frozen=True)
class _Taken:
    """Records that one refused record gives; `known` of them have come meanwhile."""

    letter: str
    readings: Sequence[Reading]
    cases: Sequence[Case]
    known: int
    keys: Sequence[Keys]


def replay_intake(
    request: ReplayRequest, mapping: RecordMapping, vocabulary: Vocabulary, now: datetime, known: Known
) -> tuple[Intake, ReplayResult]:
    """Return what is fit now of a request, and the result to send once it is safe. Each dead letter is taken at most
    once: its own key is remembered with its records."""
    refused: dict[str, tuple[str, str]] = {}
    impossible: dict[str, str] = {}
    taken = list[_Taken]()
    for letter in request.records:
        for key, one in _single(letter):
            own = _letter_key(key)
            if known.known_rows(own)[0].any():
                continue
            try:
                taken.append(_take(letter.key, own, one, mapping, vocabulary, now, known))
            except RecordUnfit as fault:
                refused.setdefault(letter.key, (fault.reason, str(fault)))
            except NotReplayable as fault:
                impossible.setdefault(letter.key, str(fault))
    taken, contradicting = _without_contradictions(taken, known)
    refused |= {letter: (Reason.KEY_CONFLICT, _CONTRADICTS) for letter in contradicting if letter not in refused}
    readings = [one for some in taken for one in some.readings]
    cases = [one for some in taken for one in some.cases]
    keys = [key for some in taken for key in some.keys]
    intake = Intake(
        readings=readings_batch(readings) if readings else None,
        cases=case_rows(cases) if cases else None,
        duplicate=sum(some.known for some in taken),
        row_keys=np.concatenate(keys) if keys else np.empty(0, np.uint64),
    )
    replayed = [one.key for one in request.records if one.key not in refused and one.key not in impossible]
    result = ReplayResult(
        request.id,
        request.source,
        replayed,
        intake.records,
        intake.duplicate,
        [(key, *why) for key, why in refused.items()],
        list(impossible.items()),
    )
    return intake, result


def _take(
    letter: str,
    own: Keys,
    refused: RefusedRecord,
    mapping: RecordMapping,
    vocabulary: Vocabulary,
    now: datetime,
    known: Known,
) -> _Taken:
    """Read one refused record again. Raises RecordUnfit, NotReplayable."""
    fit, count, keys = list[Reading | Case](), 0, [own]
    for again in _again(refused, mapping):
        if isinstance(again.record, RecordUnfit):
            raise again.record
        if len(again.known_by) and known.known_rows(again.known_by)[0].any():
            count += 1
        else:
            fit.append(check_record(again.record, mapping, vocabulary, now))
        keys.append(again.keys)
    readings = [one for one in fit if isinstance(one, Reading)]
    return _Taken(letter, readings, [one for one in fit if isinstance(one, Case)], count, keys)


def _without_contradictions(taken: list[_Taken], known: Known) -> tuple[list[_Taken], set[str]]:
    """Return what the writer would accept, and the dead letters of the rest: a second refusal would double them."""
    readings = [one for some in taken for one in some.readings]
    if not readings:
        return taken, set()
    flags = iter(known.contradicts(readings_batch(readings)).tolist())
    kept, left = list[_Taken](), set[str]()
    for some in taken:
        of_this = [next(flags) for _ in some.readings]
        if any(of_this):
            left.add(some.letter)
        else:
            kept.append(some)
    return kept, left


def _single(letter: RefusedRecord) -> Iterator[tuple[str, RefusedRecord]]:
    """The records of a dead letter, each under a key of its own."""
    if letter.records == 1:
        yield letter.key, letter
        return
    contents = letter.content.split(b"\n")
    places = letter.place.split("\n") if letter.place else [""] * len(contents)
    if letter.is_cut or not len(contents) == len(places) == letter.records:
        yield letter.key, replace(letter, records=1, is_cut=True)
        return
    for number, (content, place) in enumerate(zip(contents, places, strict=True)):
        yield f"{letter.key} {number}", replace(letter, content=content, place=place, records=1)


def file_of_refusal(record: RefusedRecord) -> str:
    """The file that was refused as a whole; empty for a record of any other kind."""
    try:
        return str(decode_place(record.place).get("file", "")) if record.records == 1 else ""
    except ValueError:
        return ""


def _again(letter: RefusedRecord, mapping: RecordMapping) -> Iterator[Again]:
    """Map the content of a refused record again. Raises NotReplayable."""
    if letter.index < 0:
        raise NotReplayable("A whole message was refused; its producer has to send it again.")
    if letter.is_cut:
        raise NotReplayable("Not all of it was kept; the source has to send it again.")
    try:
        place = decode_place(letter.place)
    except ValueError:
        raise NotReplayable("What was kept with the record cannot be read.") from None
    row = {**_parsed(letter.content), **place.get("row", {})}
    if not row:
        raise NotReplayable("The record could not even be parsed; mend it at the source and send it again.")
    none = np.empty(0, np.uint64)
    if letter.index >= OWN_REJECTIONS_FROM or not mapping.outputs:
        yield Again({name: value for name, value in row.items() if not name.startswith("$")}, none, none)
        return
    if "parts" not in place:
        raise NotReplayable("It was refused by an earlier version, which did not keep all that the mapping needs.")
    records = mapping.records(row)
    # One refusal may stand for the whole row; else the mapping must give the records that it gave then.
    parts: Sequence[int] = range(len(records)) if place["parts"] == 1 else (place["part"],)
    if place["parts"] not in (1, len(records)):
        sentence = f"The mapping gives {len(records)} records per row now, and gave {place['parts']} then"
        raise NotReplayable(f"{sentence}; have the source send the row again.")
    for part in parts:
        if "key" in place:
            keys, known_by = record_keys(int(place["key"], 16), part, place["round"])
        else:
            keys = known_by = none
        yield Again(records[part], keys, known_by)


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _letter_key(key: str) -> Keys:
    digest = blake2b(f"dead letter {key}".encode(), digest_size=8).digest()
    return np.frombuffer(digest, np.uint64)
