"""The agent of cases: cases become case updates."""

import pyarrow as pa

from ioc.clock import from_ms
from ioc.model.vocabulary import Vocabulary
from ioc.wire import arrow, headers, records
from ioc.wire.headers import BatchHeaders
from ioc.wire.schemas import CASES, CASES_OPTIONAL
from streams.agent_output import DecodedBatch
from streams.validate_cases import check

NO_ROWS = pa.RecordBatch.from_pylist([], schema=CASES)


def decode(content: bytes, head: BatchHeaders, vocabulary: Vocabulary, input_time_ms: int) -> DecodedBatch:
    """Decode and check the case versions in a message, Arrow or records. Raises BatchMalformed."""
    if head.content_type == headers.ARROW:
        batch, sent_rejections = arrow.decode(content, CASES, CASES_OPTIONAL)
        checked = check(batch, vocabulary, input_time_ms)
        return DecodedBatch(checked.cases, sent_rejections, checked.rejections, checked.cases.num_rows)
    records_checked = records.check(content, head.content_type, vocabulary, from_ms(input_time_ms), only="cases")
    batch = records_checked.cases_batch()
    return DecodedBatch(batch, [], records_checked.rejections, batch.num_rows)
