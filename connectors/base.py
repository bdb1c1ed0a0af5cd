"""What every kind of connector is, and how rows become an intake."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from connectors.back_off import LONGEST_WAIT_S
from connectors.configuration import SourceConfiguration
from connectors.mapping import RecordMapping, read_mapping
from connectors.sealing import Intake
from connectors.taken import Taken, case_rows
from connectors.writer import SourceWriter
from ioc.clock import Clock
from ioc.errors import RecordUnfit
from ioc.model.case import Case
from ioc.model.reading import Reading
from ioc.model.rejection import Reason, Rejection
from ioc.model.vocabulary import Vocabulary
from ioc.wire.fields import check_case, check_reading
from ioc.wire.kept_json import kept_json
from ioc.wire.schemas import readings_batch

LOG = logging.getLogger("connectors")


@dataclass(frozen=True)
class Surroundings:
    """What a connector works in."""

    vocabulary: Vocabulary
    clock: Clock
    zone: ZoneInfo
    data_dir: Path


@dataclass(frozen=True)
class Page:
    """Rows as fetched, each beside its own bytes; a row that could not even be parsed is a RecordUnfit.

    `position` is the source's place behind the page, `duplicate` the records known to have come before, `around`
    what the mapping may name with `$`.
    """

    rows: Sequence[tuple[Mapping[str, Any] | RecordUnfit, bytes]]
    position: Any = None
    duplicate: int = 0
    around: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Report:
    """What the runner shows of a connector; the connector writes it.

    `trouble` and `missing` do not stop the source: one sentence on what its last data lacked, empty once it is mended.
    """

    last_success: datetime | None = None
    trouble: str = ""
    missing: str = ""

    @property
    def sentence(self) -> str:
        return self.trouble or self.missing


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

    @abstractmethod
    async def run(self, writer: SourceWriter) -> None:
        """Feed the writer until cancelled. Raises SourceUnavailable (the runner backs off and runs it again) or
        ConfigurationInvalid (the runner stops this source until its file changes)."""

    async def take(self, writer: SourceWriter, page: Page) -> Taken:
        """Map, check and hand over a page; waits while much is under way. Raises SpoolFull."""
        intake = intake_of(page, self.mapping, self.surroundings)
        if page.rows:
            self.report.missing = _missing(page, intake, self.mapping)
        taken = await asyncio.to_thread(writer.add, intake)
        self.report.last_success = self.surroundings.clock.now()
        return taken


def intake_of(page: Page, mapping: RecordMapping, surroundings: Surroundings) -> Intake:
    """Fit records and refusals of a page. `index` of a refusal counts records, so that it stays unique."""
    now = surroundings.clock.now()
    readings: list[Reading] = []
    cases: list[Case] = []
    rejections: list[Rejection] = []
    index = 0
    for row, content in page.rows:
        given = [row] if isinstance(row, RecordUnfit) else mapping.records({**row, **page.around})
        for record in given:
            try:
                if isinstance(record, RecordUnfit):
                    raise record
                if "case_type" in record or "case_id" in record:
                    typed = mapping.typed(record, surroundings.vocabulary)
                    cases.append(check_case(typed, surroundings.vocabulary, now))
                else:
                    readings.append(check_reading(record, surroundings.vocabulary, now))
            except RecordUnfit as fault:
                rejections.append(Rejection(index, fault.field, fault.reason, str(fault), content or _bytes(row)))
            index += 1
    return Intake(
        readings=readings_batch(readings) if readings else None,
        cases=case_rows(cases) if cases else None,
        rejections=rejections,
        duplicate=page.duplicate,
        position=page.position,
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


def malformed(sentence: str) -> RecordUnfit:
    return RecordUnfit(Reason.MALFORMED, "", sentence)


def _bytes(row: Mapping[str, Any] | RecordUnfit) -> bytes:
    return b"" if isinstance(row, RecordUnfit) else kept_json(row, default=str)
