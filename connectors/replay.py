"""Refused records read again with the mapping and the catalogue as they are now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

import numpy as np
import orjson

from connectors.mapping import RecordMapping
from connectors.record_check import check_record
from connectors.record_keys import Keys
from connectors.row_keys import Lookup, record_keys
from connectors.sealing import Intake
from connectors.taken import case_rows
from ioc.errors import RecordUnfit
from ioc.model.case import Case
from ioc.model.reading import Reading
from ioc.model.vocabulary import Vocabulary
from ioc.wire.replays import RefusedRecord, ReplayRequest, ReplayResult, decode_place
from ioc.wire.schemas import readings_batch

OWN_REJECTIONS_FROM = 1_000_000
"""Index from which on a worker refused the record, in the centre's own form (streams/answer.py)."""


class NotReplayable(Exception):
    """The record cannot be read again; the text says why and what to do."""


@dataclass(frozen=True)
class Again:
    """A record to be checked again. `keys` are to be remembered with it; it came meanwhile if any of `known_by` is
    known."""

    record: Mapping[str, Any] | RecordUnfit
    keys: Keys
    known_by: Keys


def replay_intake(
    request: ReplayRequest, mapping: RecordMapping, vocabulary: Vocabulary, now: datetime, lookup: Lookup
) -> tuple[Intake, ReplayResult]:
    """What of the request is fit now, and the result once it is safe. Each dead letter is taken at most once: its own
    key is remembered with its records."""
    taking = _Taking(mapping, vocabulary, now, lookup)
    for letter in request.records:
        for key, one in _single(letter):
            taking.take(letter.key, key, one)
    intake = Intake(
        readings=readings_batch(taking.readings) if taking.readings else None,
        cases=case_rows(taking.cases) if taking.cases else None,
        duplicate=taking.duplicates,
        row_keys=np.concatenate(taking.remembered) if taking.remembered else np.empty(0, np.uint64),
    )
    refused, impossible = taking.refused, taking.impossible
    replayed = [one.key for one in request.records if one.key not in refused and one.key not in impossible]
    result = ReplayResult(
        request.id,
        request.source,
        replayed,
        intake.records,
        taking.duplicates,
        [(key, *why) for key, why in refused.items()],
        list(impossible.items()),
    )
    return intake, result


class _Taking:
    """What was taken so far, and by the key of its dead letter what was not."""

    def __init__(self, mapping: RecordMapping, vocabulary: Vocabulary, now: datetime, lookup: Lookup) -> None:
        self._mapping = mapping
        self._vocabulary = vocabulary
        self._now = now
        self._lookup = lookup
        self.readings: list[Reading] = []
        self.cases: list[Case] = []
        self.duplicates = 0
        self.remembered: list[Keys] = []
        self.refused: dict[str, tuple[str, str]] = {}
        self.impossible: dict[str, str] = {}

    def take(self, letter: str, key: str, refused: RefusedRecord) -> None:
        own = _letter_key(key)
        if self._lookup(own)[0].any():
            return
        fit, known, keys = list[Reading | Case](), 0, [own]
        try:
            for again in _again(refused, self._mapping):
                if isinstance(again.record, RecordUnfit):
                    raise again.record
                if len(again.known_by) and self._lookup(again.known_by)[0].any():
                    known += 1
                else:
                    fit.append(check_record(again.record, self._mapping, self._vocabulary, self._now))
                keys.append(again.keys)
        except RecordUnfit as fault:
            self.refused.setdefault(letter, (fault.reason, str(fault)))
            return
        except NotReplayable as fault:
            self.impossible.setdefault(letter, str(fault))
            return
        self.readings += [one for one in fit if isinstance(one, Reading)]
        self.cases += [one for one in fit if isinstance(one, Case)]
        self.duplicates += known
        self.remembered += keys


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


def _again(letter: RefusedRecord, mapping: RecordMapping) -> Iterator[Again]:
    """Raises NotReplayable."""
    if letter.index < 0:
        raise NotReplayable("A whole message was refused; its producer has to send it again.")
    if letter.is_cut:
        raise NotReplayable("Not all of it was kept; the source has to send it again.")
    try:
        place = decode_place(letter.place)
    except ValueError:
        raise NotReplayable("What was kept beside the record cannot be read.") from None
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
