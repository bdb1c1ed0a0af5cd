"""Arrow batches: what goes in comes out; foreign shapes are taken; broken ones are named."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from ioc.errors import BatchMalformed, BatchTooLarge
from ioc.model.reading import Reading
from ioc.model.rejection import Rejection
from ioc.wire.arrow import decode, encode
from ioc.wire.arrow_size import unpacked_bytes
from ioc.wire.headers import BatchHeaders, OutputHeaders
from ioc.wire.schemas import READINGS, READINGS_OPTIONAL, readings_batch

TIME = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
BATCH = readings_batch([Reading("air.pm25", "19753", TIME, 31.5, "AQ-01"), Reading("air.pm25", "19756", TIME, 2.0)])


def test_rows_and_rejections_travel_together() -> None:
    refused = [Rejection(3, "value", "not_finite", "No.", b"\x00\xff")]
    batch, rejections = decode(encode(BATCH, refused), READINGS, READINGS_OPTIONAL)
    assert batch.to_pylist() == BATCH.to_pylist()
    assert rejections == refused


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param(
            {"measure": ["a"], "unit": ["b"], "time": pa.array([TIME]), "value": [1.0]}, id="plain strings, no subject"
        ),
        pytest.param(
            {
                "measure": ["a"],
                "unit": ["b"],
                "subject": ["s"],
                "time": pa.array([TIME], pa.timestamp("us", "UTC")),
                "value": [1],
            },
            id="microseconds and whole numbers",
        ),
    ],
)
def test_foreign_columns_are_taken(columns: Any) -> None:
    table = pa.table({**columns, "time": columns["time"].cast(pa.timestamp("ms", "UTC"))})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    batch, _ = decode(bytes(sink.getvalue()), READINGS, READINGS_OPTIONAL)
    assert batch.num_rows == 1
    assert batch.schema == READINGS


def _without(name: str) -> bytes:
    table = pa.Table.from_batches([BATCH]).drop_columns([name])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(encode(BATCH)[:-40], id="truncated"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\x00" * 64, id="zeros"),
        pytest.param(b'{"measure": 1}', id="JSON that calls itself Arrow"),
        pytest.param(_without("value"), id="a column is missing"),
    ],
)
def test_broken_batches_are_malformed(content: Any) -> None:
    with pytest.raises(BatchMalformed):
        decode(content, READINGS, READINGS_OPTIONAL)


def test_every_truncation_is_either_read_whole_or_malformed() -> None:
    content = encode(BATCH)
    for length in range(0, len(content), 7):
        try:
            batch, _ = decode(content[:length], READINGS, READINGS_OPTIONAL)
        except BatchMalformed:
            continue
        assert batch.num_rows in (0, BATCH.num_rows)


def _stream(columns: dict) -> bytes:
    """Compressed as a foreign producer may do it, in one batch."""
    table = pa.table(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _rows(count: int, **other: object) -> dict:
    code = pa.DictionaryArray.from_arrays(pa.nulls(count, pa.int8()).fill_null(0), ["a"])
    times = pa.nulls(count, pa.int64()).fill_null(0).cast(pa.timestamp("ms", "UTC"))
    return {"measure": code, "unit": code, "time": times, "value": pa.nulls(count, pa.float64()).fill_null(0), **other}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        pytest.param(lambda: _rows(10_000_000), "unpacks to [0-9,]+ bytes", id="many equal rows"),
        pytest.param(
            lambda: _rows(9_000_000, measure=pa.nulls(9_000_000)), "unpacks to", id="a column without buffers"
        ),
        pytest.param(
            lambda: _rows(2, measure=pa.DictionaryArray.from_arrays([0, 0], ["x" * 80_000_000])),
            "unpacks to",
            id="a long text",
        ),
    ],
)
def test_a_small_message_that_unpacks_to_much_is_refused_unread(columns: Any, said: Any) -> None:
    content = _stream(columns())
    assert len(content) < 1_000_000
    with pytest.raises(BatchTooLarge, match=said):
        decode(content, READINGS, READINGS_OPTIONAL)


def test_a_long_text_that_every_row_names_is_refused_before_it_is_written_out() -> None:
    text = pa.DictionaryArray.from_arrays(pa.nulls(10_000, pa.int32()).fill_null(0), ["x" * 1_000_000])
    plain = pa.schema([("value", pa.string())])
    with pytest.raises(BatchTooLarge, match="writes out column 'value' in 10,000,000,000 bytes"):
        decode(_stream({"value": text}), plain)


def test_rows_that_stand_for_the_same_bytes_are_not_taken() -> None:
    text = pa.array(["a"], pa.string_view())
    with pytest.raises(BatchMalformed, match="string_view; send it as plain"):
        decode(_stream({"value": text}), pa.schema([("value", pa.string())]))


def test_the_size_is_that_of_the_columns() -> None:
    n = 100_000
    table = pa.table(_rows(n))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    codes, rows = 2 * n, 3 * 8 * n
    assert codes + rows <= unpacked_bytes(bytes(sink.getvalue())) < codes + rows + 1000
    assert unpacked_bytes(_stream(_rows(n))) == pytest.approx(codes + rows, abs=1000)


def test_headers_come_back() -> None:
    sent = BatchHeaders(
        "air", "readings", "id-1", "2026-11-22T01:00:00Z", 7, 3, 10, 2, position={"row": 5}, requests={"k": 1}
    )
    assert BatchHeaders.decode(sent.encode()) == sent
    output = OutputHeaders("ioc.readings.v1", 2, 41, "air", 7, 3, 10, 7, 2, {"not_finite": 1}, 1_795_309_200_000)
    assert OutputHeaders.decode(output.encode()) == output


def test_a_foreign_producer_without_headers_is_counted_as_kafka() -> None:
    headers = BatchHeaders.decode([])
    assert (headers.source, headers.content_type, headers.generation, headers.received) == (
        "kafka",
        "application/json",
        0,
        None,
    )
