"""A Faust consumer that commits only what is answered, waits for an absent broker, and skips batches it cannot read.

Why it exists: Faust guesses whether a message that it skipped at a rebalance is missing in the log. It commits past a
single missing message at the head, and mistakes records that were fetched before it sought back to the committed offset
for the ones after it. Here the order in which messages are given to the agents decides.
"""

from collections import defaultdict, deque
from collections.abc import AsyncIterator, Mapping, MutableMapping
from typing import Any

from aiokafka.errors import IllegalStateError, KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.faust_patches import read_committed_soon, unpack_within_bounds

_PAUSE_S = 0.1


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that talks to the broker."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        """Create a consumer that reads committed messages only."""
        unpack_within_bounds()
        consumer = super()._create_worker_consumer(transport)
        read_committed_soon(consumer)
        return consumer

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Return the committed offset of all assigned partitions, once reading continues there.

        aiokafka does not move a partition without a committed offset. Where the log ends below the committed offset, as
        after a loss of power, its end is committed instead: otherwise, what comes there would never be read.
        """
        return dict(await self.call_thread(self._seek_to_committed))

    async def _seek_to_committed(self) -> Mapping[TP, int]:
        consumer = self._ensure_consumer()
        if not consumer.assignment():
            return {}
        committed: Mapping[TP, int] = await consumer.seek_to_committed()
        if cut := await _ends_below(consumer, committed):
            for partition, end in cut.items():
                consumer.seek(partition, end)
            await self._commit(cut)
            committed = {**committed, **cut}
        from_beginning = [partition for partition, offset in committed.items() if not offset]
        if from_beginning:
            await consumer.seek_to_beginning(*from_beginning)
        return committed

    async def _commit(self, offsets: Mapping[Any, int]) -> bool:
        """Return False for a commit that the broker refuses.

        The next commit makes up for it; Faust would end the worker.
        """
        try:
            return bool(await super()._commit(offsets))
        except KafkaError:
            return False


async def _ends_below(consumer: Any, committed: Mapping[TP, int]) -> dict[TP, int]:
    """Return the ends of the partitions that end below the committed offset."""
    known = [partition for partition, offset in committed.items() if offset]
    ends: Mapping[TP, int] = await consumer.end_offsets(known) if known else {}
    return {partition: end for partition, end in ends.items() if end < committed[partition]}


class _NothingRead(dict[TP, int | None]):
    """Replaces Faust's record of read offsets by an empty one, since `Consumer.getmany` decides what is delivered."""

    def __getitem__(self, partition: TP) -> Any:
        return None


class Consumer(driver.Consumer):
    """Delivers messages in the order of each partition, and commits up to the first one that is not acknowledged."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset: MutableMapping[TP, int | None] = _NothingRead()
        self._delivered: dict[TP, deque[int]] = defaultdict(deque)
        self._seeks_begun = 0
        self._seeks_done = 0
        self._needs_seek = False

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def perform_seek(self) -> None:
        """Go back to the committed offsets; what was delivered since then is delivered again."""
        self._seeks_begun += 1
        self._needs_seek = False  # what is dropped while this seek is under way requires another
        try:
            await super().perform_seek()
            self._delivered.clear()
        except BaseException:
            self._needs_seek = True
            raise
        finally:
            self._seeks_done += 1

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """Yield messages as they are fetched.

        Those that were under way during a seek are dropped, and another seek follows.
        """
        if self._needs_seek and not await self._seek_again():
            return
        begun = self._seeks_begun
        is_seeking = begun != self._seeks_done
        async for partition, message in super().getmany(timeout):
            if is_seeking or self._seeks_begun != begun:
                self._needs_seek = True
                return
            if (committed := self._committed_offset[partition]) is not None and message.offset < committed:
                self._committed_offset[partition] = message.offset  # the log has lost its end and is read again
                self._delivered[partition].clear()
            self._delivered[partition].append(message.offset)
            yield partition, message

    async def _seek_again(self) -> bool:
        try:
            await self.perform_seek()
        except (KafkaError, IllegalStateError):  # the broker is away, or partitions are being reassigned
            await self.sleep(_PAUSE_S)
        return not self._needs_seek

    def _new_offset(self, tp: TP) -> int | None:
        """Return the offset after the last acknowledged message before which none is missing.

        None when there is no new one.
        """
        delivered, acknowledged = self._delivered[tp], self._acked_index[tp]
        offset = None
        while delivered and delivered[0] in acknowledged:
            offset = delivered.popleft()
            acknowledged.discard(offset)
        self._acked[tp].clear()
        return None if offset is None else offset + 1
