"""Convert a result to CSV, XLSX, Parquet or Arrow in a confined process: one file in, one file out."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from ioc.lab.result_values import python_values, text_value
from ioc.lab.results import XLSX_ROWS
from ioc.messages import Message
from ioc.supervisor.no_pandas import keep_pandas_out
from ioc.wire.spreadsheets import inert, text_cell

_WIDEST = 60
_XLSX_DIGITS = 15
"""Significant digits that a number cell holds; longer numbers become text."""
_XLSX_YEARS = range(1901, 10_000)
"""Years of date cells: before 1901 spreadsheets disagree, because some treat 1900 as a leap year."""


@dataclass(frozen=True)
class Rendering:
    """A result to convert: its Arrow file, and the DuckDB type of each column."""

    source: Path
    kinds: Sequence[str]

    def batches(self) -> Iterator[Any]:
        import pyarrow as pa

        with pa.memory_map(str(self.source)) as mapped, pa.ipc.open_stream(mapped) as stream:
            yield from stream

    def schema(self) -> Any:
        import pyarrow as pa

        with pa.memory_map(str(self.source)) as mapped, pa.ipc.open_stream(mapped) as stream:
            return stream.schema


def main() -> int:
    keep_pandas_out()
    source, target, kinds = Path(sys.argv[1]), Path(sys.argv[2]), orjson.loads(sys.argv[3])
    # Import before confinement.
    import numpy  # noqa: F401
    import openpyxl  # noqa: F401

    from ioc.lab.confinement import Confinement, confine

    programs = [Path(path) for path in (sys.prefix, sys.base_prefix, "/usr", "/lib", "/lib64", "/etc/localtime")]
    confine(
        Confinement(
            [*programs, Path(__file__).parents[2], source], [target.parent], memory_bytes=3 << 30, file_bytes=1 << 30
        )
    )
    aside = target.with_name(f".{target.name}")
    write = {".csv": write_csv, ".parquet": write_parquet, ".arrow": write_arrow, ".xlsx": write_xlsx}[target.suffix]
    try:
        if write is write_csv:
            write_csv(Rendering(source, kinds), aside, decimal_comma=".comma" in target.suffixes)
        else:
            write(Rendering(source, kinds), aside)
        aside.rename(target)
    except Exception as fault:  # noqa: BLE001 - any failure becomes one sentence for the requester
        aside.unlink(missing_ok=True)
        print(" ".join(str(fault).split()) or type(fault).__name__, file=sys.stderr)
        return 1
    return 0


def write_csv(of: Rendering, path: Path, *, decimal_comma: bool = False) -> None:
    """Write CSV in UTF-8 with a byte-order mark, by which spreadsheets recognise Vietnamese.

    Times are cut to the second where all are whole seconds; nested values are JSON; text that a spreadsheet would
    run as a formula is made inert.
    """
    import pyarrow as pa
    import pyarrow.csv

    source = of.schema()
    names = [inert(name) for name in source.names]
    whole = _whole_seconds(of, source)
    plain = [_csv_plain(field.type, decimal_comma=decimal_comma) for field in source]
    schema = pa.schema(
        [(name, field.type if is_so else pa.string()) for name, field, is_so in zip(names, source, plain, strict=True)]
    )
    options = pa.csv.WriteOptions(delimiter=";" if decimal_comma else ",")
    with path.open("wb") as sink:
        sink.write(b"\xef\xbb\xbf")
        with pa.csv.CSVWriter(sink, schema, write_options=options) as writer:
            for batch in of.batches():
                columns = [
                    column if is_so else _csv_texts(column, kind, whole=seconds)
                    for column, kind, is_so, seconds in zip(batch.columns, of.kinds, plain, whole, strict=True)
                ]
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def write_parquet(of: Rendering, path: Path) -> None:
    """Write Parquet; types that it lacks (intervals, infinite times, integers of 39 digits, unions) become text."""
    import pyarrow as pa
    import pyarrow.parquet

    schema, as_text = _storable(of, for_parquet=True)
    with pa.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in of.batches():
            writer.write_batch(_stored(batch, of.kinds, schema, as_text))


def write_arrow(of: Rendering, path: Path) -> None:
    """Write Arrow; infinite times and integers of 39 digits become text."""
    import pyarrow as pa

    schema, as_text = _storable(of, for_parquet=False)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, schema) as stream:
        for batch in of.batches():
            stream.write_batch(_stored(batch, of.kinds, schema, as_text))


def write_xlsx(of: Rendering, path: Path) -> None:
    """Write a workbook with real numbers and times, a frozen header and a filter.

    Values that a cell cannot hold exactly become text. Raises ValueError above XLSX_ROWS, before anything is
    written.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    rows = sum(batch.num_rows for batch in of.batches())
    if rows > XLSX_ROWS:
        raise ValueError(Message("xlsx_rows", max=f"{XLSX_ROWS:,}"))
    names = of.schema().names
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Kết quả")
    sheet.freeze_panes = "A2"
    heads = []
    for number, name in enumerate(names, start=1):
        letter = get_column_letter(number)
        sheet.column_dimensions[letter].width = min(max(len(name) + 4, 14), _WIDEST)
        heads.append(text_cell(sheet, name))
        heads[-1].font = Font(bold=True)
    sheet.append(heads)
    for batch in of.batches():
        columns = [
            [xlsx_value(value) for value in python_values(column, kind)]
            for column, kind in zip(batch.columns, of.kinds, strict=True)
        ]
        for row in zip(*columns, strict=True):
            sheet.append([text_cell(sheet, cell) if isinstance(cell, str) else cell for cell in row])
    if rows and names:
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(names))}{rows + 1}"
    book.save(path)


def xlsx_value(value: Any) -> Any:
    """Return the value that a cell holds exactly, otherwise text.

    Exact are numbers of at most 15 digits and times of the years 1901 to 9999.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else text_value(value)
    if isinstance(value, int):
        return value if abs(value) < 10**_XLSX_DIGITS else str(value)
    if isinstance(value, Decimal):
        digits = len(value.normalize().as_tuple().digits)
        return float(value) if digits <= _XLSX_DIGITS else f"{value:f}"
    if isinstance(value, datetime | date):
        if value.year not in _XLSX_YEARS:
            return text_value(value)
        return value.replace(tzinfo=None) if isinstance(value, datetime) else value
    return value if hasattr(value, "isoformat") else text_value(value)


def _csv_plain(kind: Any, *, decimal_comma: bool) -> bool:
    """Return whether Arrow's CSV writer writes a column of this type as wanted."""
    import pyarrow as pa

    is_fraction = pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return pa.types.is_integer(kind) or pa.types.is_boolean(kind) or (is_fraction and not decimal_comma)


def _csv_texts(column: Any, kind: str, *, whole: bool) -> Any:
    """Return a column as text. Numbers come here only for a decimal comma; `whole` drops fractions of seconds."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        return pc.replace_substring(column.cast(pa.string()), ".", ",")
    values = (text_value(value) for value in python_values(column, kind))
    if pa.types.is_temporal(column.type):
        return pa.array([value[:19] if whole and value else value for value in values], pa.string())
    return pa.array([None if value is None else inert(value) for value in values], pa.string())


def _whole_seconds(of: Rendering, schema: Any) -> list[bool]:
    """Return for each column of zoneless times whether all values are whole seconds that Python can hold."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = [pa.types.is_timestamp(field.type) and not field.type.tz for field in schema]
    per_s = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
    for batch in of.batches():
        for at, column in enumerate(batch.columns):
            if not whole[at] or not len(column):
                continue
            unit = per_s[column.type.unit]
            counts = column.cast(pa.int64())
            span = pc.min_max(counts).as_py()
            if span["min"] is None:
                continue
            seconds = pc.multiply(pc.divide(counts, unit), unit)
            in_calendar = span["min"] // unit >= -62_135_596_800 and span["max"] // unit <= 253_402_300_799
            whole[at] = in_calendar and pc.all(pc.equal(counts, seconds)).as_py() is not False
    return whole


def _storable(of: Rendering, *, for_parquet: bool) -> tuple[Any, list[bool]]:
    """Return the schema to write, and which columns become text in it."""
    import pyarrow as pa

    source = of.schema()
    as_text = [for_parquet and _holds_interval_or_union(field.type) for field in source]
    for batch in of.batches():
        for at, column in enumerate(batch.columns):
            as_text[at] = as_text[at] or _is_beyond(column)
    fields = [(field.name, pa.string() if text else field.type) for field, text in zip(source, as_text, strict=True)]
    return pa.schema(fields), as_text


def _stored(batch: Any, kinds: Sequence[str], schema: Any, as_text: Sequence[bool]) -> Any:
    import pyarrow as pa

    columns = [
        pa.array([text_value(value) for value in python_values(column, kind)], pa.string()) if text else column
        for column, kind, text in zip(batch.columns, kinds, as_text, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _holds_interval_or_union(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_interval(kind) or pa.types.is_union(kind):
        return True
    return any(_holds_interval_or_union(kind.field(at).type) for at in range(kind.num_fields))


def _is_beyond(column: Any) -> bool:
    """Return whether a value has no counterpart in other readers: an infinite time, 24:00, 39 digits."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date32(kind):
        edge = 2**31 - 1 if pa.types.is_date32(kind) else 2**63 - 1
        span = pc.min_max(column.cast(pa.int32() if pa.types.is_date32(kind) else pa.int64())).as_py()
        return bool(span["max"] == edge or span["min"] == -edge)
    if pa.types.is_time64(kind):
        most = pc.max(column.cast(pa.int64())).as_py()
        return bool(most is not None and most >= 86_400_000_000)
    if pa.types.is_decimal(kind) and kind.precision == 38 and kind.scale == 0:
        return any(value is not None and abs(value) >= 10**38 for value in pc.min_max(column).as_py().values())
    return False


if __name__ == "__main__":
    sys.exit(main())
