"""The agent of readings: readings become panes."""

import pyarrow as pa

from ioc.clock import from_ms
from ioc.model.rejection import Rejection
from ioc.model.vocabulary import Vocabulary
from ioc.wire import arrow, headers, records
from ioc.wire.headers import BatchHeaders
from ioc.wire.schemas import PANES, READINGS, READINGS_OPTIONAL
from streams.agent_output import DecodedBatch
from streams.keyed import keep_single
from streams.reduce import reduce

NO_ROWS = pa.RecordBatch.from_pylist([], schema=PANES)


def decode(content: bytes, head: BatchHeaders, vocabulary: Vocabulary, input_time_ms: int) -> DecodedBatch:
    """Decode, check and reduce the readings in a message, Arrow or records, to panes.

    Readings of a source that corrects itself stay single. Raises BatchMalformed.
    """
    reduce_batch = keep_single if head.corrects else reduce
    if head.content_type == headers.ARROW:
        batch, sent_rejections = arrow.decode(content, READINGS, READINGS_OPTIONAL)
        refused: list[Rejection] = []
    else:
        checked = records.check(content, head.content_type, vocabulary, from_ms(input_time_ms), only="readings")
        batch, sent_rejections, refused = checked.readings_batch(), [], checked.rejections
    reduced = reduce_batch(batch, vocabulary, input_time_ms)
    rejections = [*refused, *reduced.rejections]
    return DecodedBatch(reduced.panes, sent_rejections, rejections, reduced.applied, keyed=head.corrects)
