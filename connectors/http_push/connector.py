"""Receive HTTP pushes: check, write, and answer once the records are safe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base import Connector, ConnectorContext
from connectors.batching import Intake, IntakeResult
from connectors.configuration import SourceConfiguration
from connectors.writer import SourceWriter
from ioc.clock import Clock
from ioc.errors import BatchMalformed, BrokerUnavailable, ConfigurationInvalid, SpoolFull
from ioc.messages import Message
from ioc.model.rejection import SINGLE_REJECTIONS, Reason, Rejection, count_records
from ioc.model.vocabulary import Vocabulary
from ioc.wire.records import check

MAX_BODY_BYTES = 50 * 1024 * 1024
MAX_LISTED = SINGLE_REJECTIONS
SAFE_WITHIN_S = 30.0


@dataclass(frozen=True)
class HttpPushAnswer:
    """The answer to a push.

    `rejected` lists rejections in the order of the records, without their bytes: at most MAX_LISTED of
    `rejected_count`.
    """

    accepted: int
    duplicate: int
    rejected: tuple[Rejection, ...]
    rejected_count: int

    def remembered(self) -> dict[str, Any]:
        """Return the answer as JSON, to be kept under its idempotency key."""
        rows = [[r.index, r.field, r.reason, r.message] for r in self.rejected]
        return {"a": self.accepted, "d": self.duplicate, "n": self.rejected_count, "r": rows}

    @classmethod
    def recalled(cls, answer: Mapping[str, Any]) -> HttpPushAnswer:
        """Return a remembered answer. Raises BatchMalformed when that was the answer."""
        if "malformed" in answer:
            raise BatchMalformed(answer["malformed"])
        rejected = tuple(Rejection(index, field, reason, message) for index, field, reason, message in answer["r"])
        return cls(answer["a"], answer["d"], rejected, answer["n"])


class HttpPushEndpoint:
    """Receives the pushes of all push sources of a process.

    `writer_of` returns the writer of a configured push source and raises ConfigurationInvalid for another name
    (`Runner.writer_of` is one).
    """

    def __init__(
        self, writer_of: Callable[[str], SourceWriter], vocabulary: Callable[[], Vocabulary], clock: Clock
    ) -> None:
        self._writer_of = writer_of
        self._vocabulary = vocabulary
        self._clock = clock
        self._under_way: dict[tuple[str, str], asyncio.Future[HttpPushAnswer]] = {}

    async def ingest(self, source: str, content: bytes, content_type: str, idempotency_key: str) -> HttpPushAnswer:
        """Take in a push; returns once the broker, or the disk while the broker is away, has all of it.

        A known `idempotency_key` (empty for none) gets the answer it got before, and nothing is sent again.
        Raises BatchMalformed when no record can be read (its bytes are a dead letter), SpoolFull when the centre
        cannot accept more now, ConfigurationInvalid when the source is not configured.
        """
        try:
            writer = self._writer_of(source)
        except BrokerUnavailable as fault:
            raise SpoolFull(fault.message) from fault
        if idempotency_key and (source, idempotency_key) in self._under_way:
            return await self._answered(source, self._under_way[source, idempotency_key])
        if idempotency_key and (known := writer.answer_of(idempotency_key)) is not None:
            return HttpPushAnswer.recalled(known)
        ours = asyncio.ensure_future(self._ingest(writer, content, content_type, idempotency_key))
        self._under_way[source, idempotency_key or str(id(ours))] = ours
        ours.add_done_callback(lambda _: self._under_way.pop((source, idempotency_key or str(id(ours)))))
        return await self._answered(source, ours)

    async def _answered(self, source: str, ours: asyncio.Future[HttpPushAnswer]) -> HttpPushAnswer:
        """Wait for the answer. A client that goes away or waits too long does not stop the push.

        Records that are accepted but not safe yet are not refused: the sender finds out by its key what became of them.
        """
        try:
            return await asyncio.shield(ours)
        except BrokerUnavailable as fault:
            raise SpoolFull(fault.message) from fault
        except TimeoutError:
            raise SpoolFull(Message("push_uncertain", source=source)) from None

    async def _ingest(self, writer: SourceWriter, content: bytes, content_type: str, key: str) -> HttpPushAnswer:
        media_type = content_type.split(";")[0].strip().lower()
        try:
            intake = await asyncio.to_thread(self._checked, content, media_type)
        except BatchMalformed as fault:
            sentence = str(fault)
            intake = Intake(rejections=(Rejection(0, "", Reason.MALFORMED, sentence, content),))
            await _wait_until_safe(writer.submit(intake, key, lambda *_: {"malformed": sentence}))
            raise
        answers: list[HttpPushAnswer] = []

        def answer(accepted: int, duplicate: int, conflicts: Sequence[Rejection]) -> dict[str, Any]:
            refused = sorted([*intake.rejections, *conflicts], key=lambda r: r.index)
            single = [r for r in refused if r.records == 1]
            listed = tuple(Rejection(r.index, r.field, r.reason, r.message) for r in single[:MAX_LISTED])
            answers.append(HttpPushAnswer(accepted, duplicate, listed, count_records(refused)))
            return answers[0].remembered()

        await _wait_until_safe(writer.submit(intake, key, answer))
        return answers[0]

    def _checked(self, content: bytes, media_type: str) -> Intake:
        if len(content) > MAX_BODY_BYTES:
            raise BatchMalformed(Message("body_over_bytes", count=len(content), max=MAX_BODY_BYTES))
        checked = check(content, media_type, self._vocabulary(), self._clock.now())
        return Intake(
            readings=checked.readings_batch() if checked.readings else None,
            cases=checked.cases_batch() if checked.cases else None,
            rejections=checked.rejections,
            reading_indices=checked.reading_places,
        )


async def _wait_until_safe(submitted: IntakeResult) -> None:
    """Wait until the records are safe. Raises TimeoutError after SAFE_WITHIN_S; checking does not count."""
    await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(submitted.safe)), SAFE_WITHIN_S)


class HttpPush(Connector):
    """A push source as the runner sees it: it waits until its process is called.

    Source   POST /api/v1/ingest/{source} with the source's token
    Emits    the centre's own readings and cases, as the sender wrote them
    Resumes  not needed: the sender sends again what was not answered
    """

    kind = "http_push"

    def __init__(self, configuration: SourceConfiguration, context: ConnectorContext) -> None:
        super().__init__(configuration, context)
        configuration.own.finish()
        if configuration.mapping.data:
            raise ConfigurationInvalid(Message("push_mapping", file=configuration.mapping.file))

    async def run(self, writer: SourceWriter) -> None:  # noqa: ARG002  the endpoint gets it from the runner
        """Wait until cancelled."""
        await asyncio.Event().wait()
