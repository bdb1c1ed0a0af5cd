"""Faust's consumer, made to commit nothing that is not answered, to wait for a broker that is away, and to go on behind
a batch that cannot be read.

Faust tells a message that it has passed over, at a rebalance, from one that the log does not have by guessing: it
commits past a single missing message at the head, and takes records that were fetched before it sought back to the
committed offset for the ones behind it. Here the order in which messages are handed to the agents decides.
"""

from collections import defaultdict, deque
from collections.abc import AsyncIterator, Mapping, MutableMapping
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.record.memory_records import MemoryRecords
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from ioc.wire.record_batches import RecordBatches

_FETCH_WAIT_MS = 200
_PAUSE_S = 0.1


def _sound_records(content: bytes) -> RecordBatches:
    """In place of aiokafka's own: a batch that cannot be read would end the worker again and again."""
    return RecordBatches(content, MemoryRecords)


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that speaks to the broker."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        """Reads what was committed only. Faust lets a fetch wait 1.5 s at the broker, and no other partition there is
        fetched meanwhile."""
        fetcher.MemoryRecords = _sound_records
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS
        consumer._isolation_level = "read_committed"
        return consumer

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Return the committed offset of all assigned partitions, once reading goes on there.

        aiokafka leaves a partition of which nothing is committed yet where it stands. Where the log ends below what is
        committed, as after a loss of power, its end is committed instead: what comes there would never be read.
        """
        return dict(await self.call_thread(self._seek_to_committed))

    async def _seek_to_committed(self) -> Mapping[TP, int]:
        consumer = self._ensure_consumer()
        if not consumer.assignment():
            return {}
        committed: Mapping[TP, int] = await consumer.seek_to_committed()
        if cut := await _ends_below(consumer, committed):
            for place, end in cut.items():
                consumer.seek(place, end)
            await self._commit(cut)
            committed = {**committed, **cut}
        from_beginning = [place for place, offset in committed.items() if not offset]
        if from_beginning:
            await consumer.seek_to_beginning(*from_beginning)
        return committed

    async def _commit(self, offsets: Mapping[Any, int]) -> bool:
        """A commit that the broker does not take is made up by the next; Faust would end the worker."""
        try:
            return bool(await super()._commit(offsets))
        except KafkaError:
            return False


async def _ends_below(consumer: Any, committed: Mapping[TP, int]) -> dict[TP, int]:
    """Return the ends of the partitions that end below the committed offset."""
    known = [place for place, offset in committed.items() if offset]
    ends: Mapping[TP, int] = await consumer.end_offsets(known) if known else {}
    return {place: end for place, end in ends.items() if end < committed[place]}


class _NotRead(dict[TP, int | None]):
    """Faust's memory of what it has read, without a memory: what is handed on is decided by `Consumer.getmany`."""

    def __getitem__(self, place: TP) -> Any:
        return None


class Consumer(driver.Consumer):
    """Hands messages on in the order of each partition, and commits up to the first that is not acknowledged."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset: MutableMapping[TP, int | None] = _NotRead()
        self._handed: dict[TP, deque[int]] = defaultdict(deque)
        self._seeks_begun = 0
        self._seeks_done = 0
        self._is_astray = False

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def perform_seek(self) -> None:
        """Back to what is committed; messages handed on since then come again."""
        self._seeks_begun += 1
        self._is_astray = False  # what is dropped while this seek is under way asks for another
        try:
            await super().perform_seek()
            self._handed.clear()
        except BaseException:
            self._is_astray = True
            raise
        finally:
            self._seeks_done += 1

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """Messages as they are fetched; what was under way during a seek is dropped and sought anew."""
        if self._is_astray and not await self._seek_again():
            return
        begun = self._seeks_begun
        is_seeking = begun != self._seeks_done
        async for place, message in super().getmany(timeout):
            if is_seeking or self._seeks_begun != begun:
                self._is_astray = True
                return
            if (committed := self._committed_offset[place]) is not None and message.offset < committed:
                self._committed_offset[place] = message.offset  # the log has lost its end and is read again
                self._handed[place].clear()
            self._handed[place].append(message.offset)
            yield place, message

    async def _seek_again(self) -> bool:
        try:
            await self.perform_seek()
        except (KafkaError, IllegalStateError):  # the broker is away, or the partitions are being given out anew
            await self.sleep(_PAUSE_S)
        return not self._is_astray

    def _new_offset(self, tp: TP) -> int | None:
        """Behind the last acknowledged message before which none is missing; None when there is no new one."""
        handed, acknowledged = self._handed[tp], self._acked_index[tp]
        offset = None
        while handed and handed[0] in acknowledged:
            offset = handed.popleft()
            acknowledged.discard(offset)
        self._acked[tp].clear()
        return None if offset is None else offset + 1
