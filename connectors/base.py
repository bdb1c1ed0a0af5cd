"""What every kind of connector is, and how rows of a source become an intake."""

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

from connectors.back_off import MAX_WAIT_S
from connectors.batching import Intake, IntakeResult, case_rows
from connectors.configuration import SourceConfiguration
from connectors.known_keys import NO_ROWS
from connectors.mapping import RecordMapping
from connectors.mapping_table import read_mapping
from connectors.replay import FILE_OF_REFUSAL, replay_intake
from connectors.row_keys import RowIdentity, RowMemory
from connectors.same_key import SameKey
from connectors.writer import SourceWriter
from ioc.clock import Clock
from ioc.errors import RecordUnfit
from ioc.messages import Message
from ioc.model.case import Case
from ioc.model.reading import Reading
from ioc.model.rejection import Reason, Rejection, Rejections
from ioc.model.vocabulary import Vocabulary
from ioc.wire.compact_json import kept_json
from ioc.wire.replays import ReplayRequest, ReplayResult, encode_place
from ioc.wire.schemas import readings_batch

LOG = logging.getLogger("connectors")

RowContent = tuple[Mapping[str, Any] | RecordUnfit, bytes]
"""A row with its own bytes; a row that could not be parsed is a RecordUnfit."""


@dataclass
class ConnectorContext:
    """What a connector needs from its process. `vocabulary` is replaced when another catalogue comes into force."""

    vocabulary: Vocabulary
    clock: Clock
    zone: ZoneInfo
    data_dir: Path


@dataclass(frozen=True)
class SourcePage:
    """Rows as a source gave them.

    `position` is the source's position after the page. `duplicate` counts records known to have come before.
    `extra_fields` are what the mapping may name with `$`. `identity` says how rows are recognised by their content;
    None: they are not.
    """

    rows: Sequence[RowContent]
    position: Any = None
    duplicate: int = 0
    extra_fields: Mapping[str, Any] = field(default_factory=dict)
    identity: RowIdentity | None = None


@dataclass
class ConnectorReport:
    """The part of a source's state that its connector writes and the runner shows.

    None of the sentences stops the source, and each is empty once the matter is settled: `trouble` with the last data,
    `missing` fields in it, a `notice` of something that a person should look at.
    """

    last_success: datetime | None = None
    trouble: str = ""
    missing: str = ""
    notice: str = ""

    @property
    def sentence(self) -> str:
        """The most important sentence; empty when all is well."""
        return self.trouble or self.missing or self.notice


class Connector(ABC):
    """One configured source of one kind.

    A kind is a folder of this package with a subclass, a `manifest.toml` (connectors/registry.py) and a README whose
    examples the tests try. Making an instance raises ConfigurationInvalid when the configuration is wrong.
    """

    kind: ClassVar[str]
    max_wait_s: float = MAX_WAIT_S
    """Longest wait between attempts while the source fails."""

    def __init__(self, configuration: SourceConfiguration, context: ConnectorContext) -> None:
        self.configuration = configuration
        self.context = context
        self.mapping: RecordMapping = read_mapping(configuration.mapping, context.zone)
        self.report = ConnectorReport()
        self._configured_for: Vocabulary | None = None
        self._configuration_hash = 0

    @abstractmethod
    async def run(self, writer: SourceWriter) -> None:
        """Feed the writer until cancelled.

        Raises SourceUnavailable (the runner waits and runs it again) or ConfigurationInvalid (the runner stops this
        source until its file changes).
        """

    async def submit_page(self, writer: SourceWriter, page: SourcePage) -> IntakeResult:
        """Map, check and hand over a page; waits while much is under way. Raises SpoolFull."""
        intake = build_intake(page, self.mapping, self.context, self._memory(writer, page))
        if page.rows:
            self.report.missing = _missing(page, intake, self.mapping) or ""
        result = await asyncio.to_thread(writer.add, intake)
        if page.identity is not None:
            page.identity.counter.confirm()
        self.report.last_success = self.context.clock.now()
        return result

    async def replay(self, writer: SourceWriter, request: ReplayRequest) -> ReplayResult:
        """Submit those of the refused records that are fit now; returns once they are safe. Raises SpoolFull."""
        now = self.context.clock.now()
        intake, result = replay_intake(request, self.mapping, self.context.vocabulary, now, writer)
        if intake.records or len(intake.row_keys):
            submitted = await asyncio.to_thread(writer.add, intake)
            await asyncio.wrap_future(submitted.safe)
        return result

    def configuration_number(self) -> int:
        """Return a number that changes with the mapping and with the catalogue."""
        vocabulary = self.context.vocabulary
        if self._configured_for is not vocabulary:
            self._configured_for = vocabulary
            known = (vocabulary.measures, vocabulary.units, vocabulary.case_types)
            text = repr((self.configuration.mapping.data, *(sorted(map(repr, some.items())) for some in known)))
            self._configuration_hash = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
        return self._configuration_hash

    def _memory(self, writer: SourceWriter, page: SourcePage) -> RowMemory | None:
        """Return the memory of the page's rows; None where rows are not recognised by their content."""
        if page.identity is None or not page.rows or writer.same_key is SameKey.NEW:
            return None
        compares_all = writer.same_key is SameKey.REPEAT
        if not compares_all and not page.identity.round_number:
            return None  # a file of corrections: the store judges each row by its record's key
        contents = [content or _bytes(row) for row, content in page.rows]
        configuration = self.configuration_number()
        return RowMemory(page.identity, contents, configuration, writer.known_rows, compares_all=compares_all)


class PollingConnector(Connector):
    """A source that is asked at intervals: `every_s` from the end of one round to the beginning of the next."""

    every_s: float
    _last: IntakeResult | None = None

    @abstractmethod
    def fetch(self, position: Any) -> AsyncIterator[SourcePage]:
        """Yield everything after `position` (None at first), page by page. Raises SourceUnavailable."""

    async def run(self, writer: SourceWriter) -> None:
        """Fetch and submit page after page, round after round, until cancelled."""
        while True:
            async for page in self.fetch(writer.position):
                self._last = await self.submit_page(writer, page)
            self.report.last_success = self.context.clock.now()
            await asyncio.sleep(self.every_s)

    async def wait_until_safe(self) -> None:
        """Wait until every submitted page is acknowledged or on disk, for kinds that then notify their source."""
        if self._last is not None:
            await asyncio.wrap_future(self._last.safe)


def build_intake(
    page: SourcePage, mapping: RecordMapping, context: ConnectorContext, memory: RowMemory | None = None
) -> Intake:
    """Return the fit records and the rejections of a page, without the rows that `memory` knows.

    The index of a rejection counts records, not rows, so that it is unique.
    """
    now = context.clock.now()
    readings: list[Reading] = []
    cases: list[Case] = []
    rejections = Rejections()
    index, duplicate = 0, page.duplicate
    for number, (row, content) in enumerate(page.rows):
        if memory is not None and memory.settled[number]:
            duplicate += 1
            continue
        records = [row] if isinstance(row, RecordUnfit) else mapping.records({**row, **page.extra_fields})
        for part, record in enumerate(records):
            rejection = None
            try:
                if memory is not None and memory.is_known(number, part):
                    duplicate += 1
                    memory.note(number, part, None)
                    continue
                if isinstance(record, RecordUnfit):
                    raise record
                checked = mapping.checked(record, context.vocabulary, now)
                if isinstance(checked, Case):
                    cases.append(checked)
                else:
                    readings.append(checked)
            except RecordUnfit as fault:
                known_by = memory.identity_of(number) if memory else {}
                place = _replay_data(row, content, page.extra_fields, (part, len(records)), known_by)
                kept = content or _bytes(row)
                rejection = Rejection(index, fault.field, fault.reason, str(fault), kept, place=place)
                rejections.add(index, rejection.field, rejection.reason, rejection.message, kept, place)
            if memory is not None:
                memory.note(number, part, rejection)
            index += 1
    return Intake(
        readings=readings_batch(readings) if readings else None,
        cases=case_rows(cases) if cases else None,
        rejections=rejections.all(),
        duplicate=duplicate,
        position=page.position,
        row_keys=memory.to_remember() if memory is not None else NO_ROWS.keys,
    )


def malformed(sentence: Message) -> RecordUnfit:
    """Return the fault of a row that cannot be parsed."""
    return RecordUnfit(Reason.MALFORMED, "", sentence)


def _missing(page: SourcePage, intake: Intake, mapping: RecordMapping) -> Message | None:
    """Name the mapped fields that no row of the page has, if records are refused for it."""
    if not any(rejection.reason == Reason.MISSING_FIELD for rejection in intake.rejections):
        return None
    rows = ({**row, **page.extra_fields} for row, _ in page.rows if not isinstance(row, RecordUnfit))
    names = mapping.missing_from(rows)
    if not names:
        return None
    return Message("fields_missing", names=", ".join(names))


def _replay_data(
    row: Mapping[str, Any] | RecordUnfit,
    content: bytes,
    extra_fields: Mapping[str, Any],
    part: tuple[int, int],
    identity: Mapping[str, Any],
) -> str:
    """Return as JSON what a replay needs besides the content.

    This is: which of the row's records it is (`part` of how many), how the row is recognised, and the fields that the
    content lacks or has in another type.
    """
    data: dict[str, Any] = {"part": part[0], "parts": part[1], **identity}
    if FILE_OF_REFUSAL in extra_fields:
        data["file"] = extra_fields[FILE_OF_REFUSAL]
    if not isinstance(row, RecordUnfit):
        try:
            parsed = orjson.loads(content or _bytes(row))
        except orjson.JSONDecodeError:
            parsed = {}
        kept = parsed if isinstance(parsed, dict) else {}
        data["row"] = {
            name: value
            for name, value in {**row, **extra_fields}.items()
            if name not in kept or type(kept[name]) is not type(value) or kept[name] != value
        }
    return encode_place(data)


def _bytes(row: Mapping[str, Any] | RecordUnfit) -> bytes:
    return b"" if isinstance(row, RecordUnfit) else kept_json(row, default=str)
