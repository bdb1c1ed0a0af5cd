"""Encode and decode record batches as Arrow IPC streams, the values of messages."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ioc.errors import BatchMalformed, BatchTooLarge
from ioc.messages import Message
from ioc.model.rejection import Reason, Rejection
from ioc.wire.arrow_size import unpacked_bytes
from ioc.wire.headers import MAX_COUNT

REJECTIONS = b"rejections"
ROW_KEYS = b"row_keys"
MAX_INDEX = 2**31 - 1
"""The largest index of a record within its batch."""
UNPACKED_BYTES = 64 * 1024 * 1024
"""How much memory a batch may take: eight times the largest message."""
# Without threads: a batch's buffers are too small for handing them to others to pay, by a factor of 2 to 10.
_LZ4 = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
_IN_THIS_THREAD = pa.ipc.IpcReadOptions(use_threads=False)


def encode(batch: pa.RecordBatch, rejections: Sequence[Rejection] = (), row_keys: bytes = b"") -> bytes:
    """Encode one record batch as an IPC stream, buffers in LZ4.

    What the connector refused travels in the schema's metadata together with what it accepted, so that both are counted
    in one transaction or not at all. So do `row_keys`, by which the next writer of the source recognises the rows.
    """
    schema = batch.schema
    metadata = dict(schema.metadata or {})
    if rejections:
        rows = [
            [r.index, r.field, r.reason, r.message, b64encode(r.content).decode(), r.records, r.place]
            for r in rejections
        ]
        metadata[REJECTIONS] = orjson.dumps(rows)
    if row_keys:
        metadata[ROW_KEYS] = b64encode(row_keys)
    if rejections or row_keys:
        schema = schema.with_metadata(metadata)
        batch = batch.replace_schema_metadata(metadata)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=_LZ4) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def row_keys_of(content: bytes) -> bytes:
    """Return the `row_keys` that `encode` was given. Raises BatchMalformed."""
    try:
        with pa.ipc.open_stream(content, options=_IN_THIS_THREAD) as reader:
            return b64decode((reader.schema.metadata or {}).get(ROW_KEYS, b""))
    except (pa.ArrowException, OSError, ValueError) as fault:
        raise BatchMalformed(Message("arrow_keys", reason=repr(fault))) from fault


def decode(
    content: bytes, schema: pa.Schema, optional: frozenset[str] = frozenset()
) -> tuple[pa.RecordBatch, list[Rejection]]:
    """Decode all rows of an IPC stream as one record batch with the columns of `schema`, and the rejections it carries.

    Columns may arrive with other dictionary index widths, plain strings or other time resolutions; an absent optional
    column becomes null. Raises BatchMalformed when the stream is truncated or a column is missing or of another kind,
    and BatchTooLarge before anything is unpacked that would take more than `UNPACKED_BYTES`.
    """
    try:
        _check_size(unpacked_bytes(content), "unpacks to")
        with pa.ipc.open_stream(content, options=_IN_THIS_THREAD) as reader:
            batches = list(reader)
        metadata = reader.schema.metadata or {}
        columns = [_column(batches, reader.schema, field, optional) for field in schema]
        rejections = _rejections(metadata.get(REJECTIONS))
    except (pa.ArrowException, OSError, ValueError, TypeError, LookupError, ArithmeticError, MemoryError) as fault:
        raise BatchMalformed(
            Message("arrow_unreadable", reason=str(fault).splitlines()[0] if str(fault) else fault)
        ) from fault
    return pa.RecordBatch.from_arrays(columns, schema=schema), rejections


def _column(batches: list[pa.RecordBatch], given: pa.Schema, field: pa.Field, optional: frozenset[str]) -> pa.Array:
    place = given.get_field_index(field.name)
    if place < 0:
        if field.name in optional:
            return pa.nulls(sum(batch.num_rows for batch in batches), field.type)
        raise KeyError(f"column {field.name!r} is missing, or there are several")
    arrays = [batch.column(place) for batch in batches]
    for array in arrays:
        _check_sound(array)
    if not pa.types.is_dictionary(field.type):
        _check_size(sum(map(_written_out_bytes, arrays)), f"writes out column {field.name!r} in")
    if len(arrays) == 1 and arrays[0].type == field.type:
        return arrays[0]
    column = pa.chunked_array(arrays, given.field(place).type)
    if column.type != field.type:
        if pa.types.is_timestamp(field.type) and not (pa.types.is_timestamp(column.type) and column.type.tz):
            raise TypeError(f"column {field.name!r} is {column.type}, not a timestamp with a time zone")
        if pa.types.is_dictionary(field.type) and not pa.types.is_dictionary(column.type):
            column = column.cast(field.type.value_type).dictionary_encode()
        column = column.cast(field.type)
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined


def _check_size(size_bytes: int, what: str) -> None:
    if size_bytes > UNPACKED_BYTES:
        raise BatchTooLarge(Message("arrow_large", what=what, bytes=size_bytes, max=UNPACKED_BYTES))


def _written_out_bytes(array: pa.Array) -> int:
    """Return the size of the texts that a dictionary's codes stand for: every row may name a long one."""
    if not pa.types.is_dictionary(array.type) or not (
        pa.types.is_string(array.type.value_type) or pa.types.is_large_string(array.type.value_type)
    ):
        return 0
    return int(pc.sum(pc.take(pc.binary_length(array.dictionary), array.indices)).as_py() or 0)


def _check_sound(array: pa.Array) -> None:
    """Check that offsets, texts and codes point to something: reading others would end the process.

    Raises ArrowInvalid or IndexError. Codes are compared here, ten times as fast as `validate` does it. Raises
    TypeError for kinds of columns whose rows may all stand for the same bytes, since nothing bounds their size when
    written out.
    """
    if pa.types.is_run_end_encoded(array.type) or pa.types.is_string_view(array.type):
        raise TypeError(f"a column is {array.type}; send it as plain or dictionary-encoded values")
    if not pa.types.is_dictionary(array.type):
        array.validate(full=True)
        return
    array.validate()
    array.dictionary.validate(full=True)
    indices = array.indices
    codes = (indices.fill_null(0) if indices.null_count else indices).to_numpy(zero_copy_only=False)
    entries = max(1, len(array.dictionary)) if indices.null_count else len(array.dictionary)
    if len(codes) and not 0 <= codes.min() <= codes.max() < entries:
        raise IndexError(f"code {codes.max()} is outside a dictionary of {len(array.dictionary)}")


def _rejections(content: bytes | None) -> list[Rejection]:
    """Decode rejections.

    Raises ValueError or TypeError for what no connector writes: anybody can send such metadata.
    """
    if content is None:
        return []
    return [_rejection(*row) for row in orjson.loads(content)]


def _rejection(  # noqa: PLR0913  one argument per element of the JSON row
    index: Any, field: Any, reason: Any, message: Any, body: Any, records: Any = 1, place: Any = ""
) -> Rejection:
    if (
        type(index) is not int
        or not 0 <= index <= MAX_INDEX
        or type(records) is not int
        or not 1 <= records <= MAX_COUNT
    ):
        raise ValueError(f"a rejection has index {index!r:.40} and stands for {records!r:.40} records")
    if not all(isinstance(text, str) for text in (field, message, body, place)):
        raise TypeError(f"the rejection of record {index} is not of texts")
    return Rejection(index, field, Reason(reason), message, b64decode(body), records, place)
