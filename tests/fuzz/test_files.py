"""Whatever is in a drop folder: every file is counted and archived, memory is bounded, and the next one is read."""

from __future__ import annotations

import resource
from collections import Counter
from pathlib import Path

import orjson
import pytest

from ioc.errors import RecordUnfit
from tests.fuzz.counts import FILES
from tests.fuzz.files import inputs
from tests.support.dropped_files import HEADER, Drop

MEMORY_MB = 192
AT_ONCE = 50


@pytest.mark.parametrize(
    ("seed", "count"), [(1, FILES[0]), pytest.param(2, FILES[1], marks=pytest.mark.soak)], ids=["few", "many"]
)
async def test_every_file_is_counted_and_put_away(tmp_path: Path, seed: int, count: int) -> None:
    drop = Drop(tmp_path, f'memory_mb = {MEMORY_MB}\nprocessor_time = "2s"')
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    given = inputs(seed, count)
    records = Counter[str]()
    for first in range(0, count, AT_ONCE):
        for one in given[first : first + AT_ONCE]:
            drop.put(one.name, one.content)
        drop.connector._folder.scan(-1e6)
        async for page in drop.connector.fetch(drop.position):
            drop.position = orjson.loads(orjson.dumps(page.position))
            assert all(str(row).encode() for row, _ in page.rows if isinstance(row, RecordUnfit))
            records[page.extra_fields.get("$file_name", "refused")] += len(page.rows)
            if "$file_name" not in page.extra_fields:
                records["duplicate"] += page.duplicate
    assert drop.names() == [], "none stands in the way"
    done, refused = drop.names("done"), drop.names("refused")
    assert sorted(done + refused) == sorted(one.name for one in given)
    assert records["refused"] == len(refused), "each refused file is one refusal"
    assert len(done) > count // 5
    assert len(refused) > count // 5
    for one in given:
        if one.records is not None and one.name in done and records[one.name]:
            assert records[one.name] == one.records, one
    drop.put("last.csv", f"{HEADER}A;22/11/2026;1\n")
    assert (await drop.rounds()).values == [1]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < MEMORY_MB << 10
    drop.end()
