"""The only reaches into private members of Faust and aiokafka; `tests/unit/streams/test_faust_patches.py` holds each.

Private members are used because neither package has a setting for what is needed here: an idempotent producer, an app
that starts at once, a fetch that waits less than 1.5 s, reading committed messages only, and batches that are unpacked
within bounds. Versions are pinned in requirements/, and a version that renames one of them fails the tests.
`streams/consumer.py` overrides methods of the same classes; its own docstring says why.
"""

from collections.abc import Mapping
from typing import Any

import faust
import faust.streams
from aiokafka.consumer import fetcher
from aiokafka.record.memory_records import MemoryRecords
from faust.tables import TableManager
from faust.transport.drivers import aiokafka as driver

from ioc.wire.record_batches import RecordBatches

_FETCH_WAIT_MS = 200


class IdempotentProducer(driver.Producer):
    """Write what aiokafka sends again after a lost answer once, and in its order."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class NoTables(TableManager):
    """Start without the second that Faust gives an app to declare its tables."""

    async def on_start(self) -> None:
        """Start recovery at once."""
        await self._update_channels()
        await self.recovery.start()


class UnnamedWorker(faust.Worker):
    """Keep the title of the process, by which lists of processes show it."""

    def _setproctitle(self, info: str, *, ident: str = "") -> None:
        pass


def has_compiled_streams() -> bool:
    """Return whether Faust's stream is the compiled one.

    In pure Python, Faust acknowledges what it skips during a rebalance: such a message could be lost.
    """
    return getattr(faust.streams, "_CStreamIterator", None) is not None


def read_committed_soon(consumer: Any) -> None:
    """Make an aiokafka consumer read committed messages only, and wait less for a fetch.

    Faust lets a fetch wait 1.5 s at the broker, and no other partition there is fetched in the meantime.
    """
    consumer._fetch_max_wait_ms = _FETCH_WAIT_MS
    consumer._isolation_level = "read_committed"


def unpack_within_bounds() -> None:
    """Replace aiokafka's reader of record batches: a batch that it cannot read would end the worker again and again."""
    fetcher.MemoryRecords = _bounded_records


def _bounded_records(content: bytes) -> RecordBatches:
    return RecordBatches(content, MemoryRecords)
