"""What every kind of connector is, and how rows become an intake."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import orjson

from connectors.back_off import LONGEST_WAIT_S
from connectors.batching import Intake
from connectors.configuration import SourceConfiguration
from connectors.known_keys import NO_ROWS
from connectors.mapping import RecordMapping, read_mapping
from connectors.record_check import check_record
from connectors.replay import FILE_OF_REFUSAL, replay_intake
from connectors.row_keys import RowIdentity, RowMemory
from connectors.same_key import SameKey
from connectors.taken import Taken, case_rows
from connectors.writer import SourceWriter
from ioc.clock import Clock
from ioc.errors import RecordUnfit
from ioc.model.case import Case
from ioc.model.reading import Reading
from ioc.model.rejection import Reason, Rejection, Rejections
from ioc.model.vocabulary import Vocabulary
from ioc.wire.compact_json import kept_json
from ioc.wire.replays import ReplayRequest, ReplayResult, encode_place
from ioc.wire.schemas import readings_batch

LOG = logging.getLogger("connectors")


@dataclass
class Surroundings:
    """The surroundings of a connector. `vocabulary` is replaced when another catalogue comes into force."""

    vocabulary: Vocabulary
    clock: Clock
    zone: ZoneInfo
    data_dir: Path


@dataclass(frozen=True)
class Page:
    """Rows as fetched, each beside its own bytes; a row that could not even be parsed is a RecordUnfit.

    `position` is the source's place behind the page, `duplicate` the records known to have come before, `around`
    what the mapping may name with `$`. `identity` says how the rows are known again by their content, None: not at all.
    """

    rows: Sequence[tuple[Mapping[str, Any] | RecordUnfit, bytes]]
    position: Any = None
    duplicate: int = 0
    around: Mapping[str, Any] = field(default_factory=dict)
    identity: RowIdentity | None = None


@dataclass
class Report:
    """The part of a source's state that the connector writes and the runner shows.

    None of the sentences stops the source, and each is empty once it is mended: `trouble` with the last data, `missing`
    on what they lacked, `notice` on what waits for somebody.
    """

    last_success: datetime | None = None
    trouble: str = ""
    missing: str = ""
    notice: str = ""

    @property
    def sentence(self) -> str:
        return self.trouble or self.missing or self.notice


class Connector(ABC):
    """One configured source of one kind. Raises ConfigurationInvalid when its configuration is wrong."""

    kind: ClassVar[str]
    longest_wait_s: float = LONGEST_WAIT_S
    """Bound of the waits between attempts while the source fails."""

    def __init__(self, configuration: SourceConfiguration, surroundings: Surroundings) -> None:
        self.configuration = configuration
        self.surroundings = surroundings
        self.mapping: RecordMapping = read_mapping(configuration.mapping, surroundings.zone)
        self.report = Report()
        self._configured_for: Vocabulary | None = None
        self._configuration_hash = 0

    @abstractmethod
    async def run(self, writer: SourceWriter) -> None:
        """Feed the writer until cancelled. Raises SourceUnavailable (the runner backs off and runs it again) or
        ConfigurationInvalid (the runner stops this source until its file changes)."""

    async def take(self, writer: SourceWriter, page: Page) -> Taken:
        """Map, check and hand over a page; waits while much is under way. Raises SpoolFull."""
        intake = intake_of(page, self.mapping, self.surroundings, self._memory(writer, page))
        if page.rows:
            self.report.missing = _missing(page, intake, self.mapping)
        taken = await asyncio.to_thread(writer.add, intake)
        if page.identity is not None:
            page.identity.counter.taken()
        self.report.last_success = self.surroundings.clock.now()
        return taken

    async def replay(self, writer: SourceWriter, request: ReplayRequest) -> ReplayResult:
        """Take what of the refused records is fit now; returns once it is safe. Raises SpoolFull."""
        now = self.surroundings.clock.now()
        intake, result = replay_intake(request, self.mapping, self.surroundings.vocabulary, now, writer)
        if intake.records or len(intake.row_keys):
            taken = await asyncio.to_thread(writer.add, intake)
            await asyncio.wrap_future(taken.safe)
        return result

    def _memory(self, writer: SourceWriter, page: Page) -> RowMemory | None:
        """Return the memory of the page's rows; None where rows are not recognised by their content."""
        if page.identity is None or not page.rows or writer.same_key is SameKey.NEW:
            return None
        compares_all = writer.same_key is SameKey.REPEAT
        if not compares_all and not page.identity.round_number:
            return None  # a file of corrections: each row is judged by its record's key, in the store
        contents = [content or _bytes(row) for row, content in page.rows]
        configuration = self.configuration_number()
        return RowMemory(page.identity, contents, configuration, writer.known_rows, compares_all=compares_all)

    def configuration_number(self) -> int:
        """A number that changes with the mapping and with the catalogue."""
        vocabulary = self.surroundings.vocabulary
        if self._configured_for is not vocabulary:
            self._configured_for = vocabulary
            known = (vocabulary.measures, vocabulary.units, vocabulary.case_types)
            text = repr((self.configuration.mapping.as_given(), *(sorted(map(repr, some.items())) for some in known)))
            self._configuration_hash = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
        return self._configuration_hash


def intake_of(
    page: Page, mapping: RecordMapping, surroundings: Surroundings, memory: RowMemory | None = None
) -> Intake:
    """Fit records and refusals of a page without the rows that `memory` knows. `index` of a refusal counts records, so
    that it stays unique."""
    now = surroundings.clock.now()
    readings: list[Reading] = []
    cases: list[Case] = []
    rejections = Rejections()
    index, duplicate = 0, page.duplicate
    for number, (row, content) in enumerate(page.rows):
        if memory is not None and memory.settled[number]:
            duplicate += 1
            continue
        given = [row] if isinstance(row, RecordUnfit) else mapping.records({**row, **page.around})
        for part, record in enumerate(given):
            refused = None
            try:
                if memory is not None and memory.is_known(number, part):
                    duplicate += 1
                    memory.note(number, part, None)
                    continue
                if isinstance(record, RecordUnfit):
                    raise record
                checked = check_record(record, mapping, surroundings.vocabulary, now)
                if isinstance(checked, Case):
                    cases.append(checked)
                else:
                    readings.append(checked)
            except RecordUnfit as fault:
                place = _place(row, content, page.around, part, len(given), memory.place_of(number) if memory else {})
                refused = Rejection(index, fault.field, fault.reason, str(fault), content or _bytes(row), place=place)
                rejections.add(index, refused.field, refused.reason, refused.message, refused.content, place)
            if memory is not None:
                memory.note(number, part, refused)
            index += 1
    return Intake(
        readings=readings_batch(readings) if readings else None,
        cases=case_rows(cases) if cases else None,
        rejections=rejections.all(),
        duplicate=duplicate,
        position=page.position,
        row_keys=memory.to_remember() if memory is not None else NO_ROWS.keys,
    )


class PollingConnector(Connector):
    """A source that is asked again and again; `every_s` from the end of one round to the beginning of the next."""

    every_s: float
    _last: Taken | None = None

    @abstractmethod
    def fetch(self, position: Any) -> AsyncIterator[Page]:
        """Everything behind `position` (None at first), page by page. Raises SourceUnavailable."""

    async def run(self, writer: SourceWriter) -> None:
        while True:
            async for page in self.fetch(writer.position):
                self._last = await self.take(writer, page)
            self.report.last_success = self.surroundings.clock.now()
            await asyncio.sleep(self.every_s)

    async def all_safe(self) -> None:
        """Wait until every page given so far is acknowledged or on disk; for kinds that then tell their source."""
        if self._last is not None:
            await asyncio.wrap_future(self._last.safe)


def _missing(page: Page, intake: Intake, mapping: RecordMapping) -> str:
    """Name the mapped fields that no row of the page has, where records are refused for it; else empty."""
    if not any(refused.reason == Reason.MISSING_FIELD for refused in intake.rejections):
        return ""
    names = mapping.missing_from({**row, **page.around} for row, _ in page.rows if not isinstance(row, RecordUnfit))
    if not names:
        return ""
    return f"The last data has no field {', '.join(names)}; compare the mapping with what the source sends."


def _place(
    row: Mapping[str, Any] | RecordUnfit,
    content: bytes,
    around: Mapping[str, Any],
    part: int,
    parts: int,
    identity: Mapping[str, Any],
) -> str:
    """Return as JSON what a replay needs besides the content: which of the row's records it is, and the fields that are
    not in the content or are of another kind there."""
    place: dict[str, Any] = {"part": part, "parts": parts, **identity}
    if FILE_OF_REFUSAL in around:
        place["file"] = around[FILE_OF_REFUSAL]
    if not isinstance(row, RecordUnfit):
        try:
            kept = orjson.loads(content or _bytes(row))
        except orjson.JSONDecodeError:
            kept = {}
        told = kept if isinstance(kept, dict) else {}
        place["row"] = {
            name: value
            for name, value in {**row, **around}.items()
            if name not in told or type(told[name]) is not type(value) or told[name] != value
        }
    return encode_place(place)


def malformed(sentence: str) -> RecordUnfit:
    return RecordUnfit(Reason.MALFORMED, "", sentence)


def _bytes(row: Mapping[str, Any] | RecordUnfit) -> bytes:
    return b"" if isinstance(row, RecordUnfit) else kept_json(row, default=str)
