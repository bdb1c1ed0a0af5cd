"""Readings to panes."""

import pyarrow as pa

from ioc.clock import from_ms
from ioc.model.vocabulary import Vocabulary
from ioc.wire import arrow, headers, records
from ioc.wire.schemas import PANES, READINGS, READINGS_OPTIONAL
from streams.answer import Taken
from streams.reduce import reduce

NOTHING = pa.RecordBatch.from_pylist([], schema=PANES)


def take(content: bytes, content_type: str, vocabulary: Vocabulary, input_time_ms: int) -> Taken:
    """Panes of the readings in a message, Arrow or records. Raises BatchMalformed."""
    if content_type == headers.ARROW:
        batch, came_rejected = arrow.decode(content, READINGS, READINGS_OPTIONAL)
        reduced = reduce(batch, vocabulary, input_time_ms)
        return Taken(reduced.panes, came_rejected, reduced.rejections, reduced.applied)
    checked = records.check(content, content_type, vocabulary, from_ms(input_time_ms), only="readings")
    reduced = reduce(checked.readings_batch(), vocabulary, input_time_ms)
    return Taken(reduced.panes, [], [*checked.rejections, *reduced.rejections], reduced.applied)
