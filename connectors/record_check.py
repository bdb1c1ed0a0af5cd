"""One record, as the mapping made it, against the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.mapping import RecordMapping
from ioc.model.case import Case
from ioc.model.reading import Reading
from ioc.model.vocabulary import Vocabulary
from ioc.wire.fields import check_case, check_reading


def check_record(
    record: Mapping[str, Any], mapping: RecordMapping, vocabulary: Vocabulary, now: datetime
) -> Reading | Case:
    """Check a record and return it as a reading or case. Raises RecordUnfit."""
    if "case_type" in record or "case_id" in record:
        return check_case(mapping.typed(record, vocabulary), vocabulary, now)
    return check_reading(record, vocabulary, now)
