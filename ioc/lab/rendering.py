"""A result as CSV, XLSX, Parquet or JSON lines: one file in, one file out, in a confined process of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import orjson

from ioc.lab.plain import plain, values_of
from ioc.lean import keep_pandas_out

XLSX_ROWS = 100_000
_WIDEST = 60


def main() -> int:
    keep_pandas_out()
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    import openpyxl
    import pyarrow.csv
    import pyarrow.parquet

    from ioc.lab.confinement import Confinement, confine

    programs = [Path(path) for path in (sys.prefix, sys.base_prefix, "/usr", "/lib", "/lib64", "/etc/localtime")]
    confine(
        Confinement(
            [*programs, Path(__file__).parents[2], source], [target.parent], memory_bytes=3 << 30, file_bytes=1 << 30
        )
    )
    aside = target.with_name(f".{target.name}")
    try:
        with pyarrow.memory_map(str(source)) as mapped, pyarrow.ipc.open_stream(mapped) as stream:
            {".csv": _csv, ".parquet": _parquet, ".xlsx": _xlsx}[target.suffix](stream, aside, pyarrow, openpyxl)
        aside.rename(target)
    except (OSError, ValueError, MemoryError, pyarrow.ArrowException) as fault:
        aside.unlink(missing_ok=True)
        print(str(fault) or type(fault).__name__, file=sys.stderr)
        return 1
    return 0


def _csv(stream: Any, path: Path, pa: Any, _: Any) -> None:
    """UTF-8 with its mark, by which spreadsheets know Vietnamese; nested values as JSON."""
    with path.open("wb") as sink:
        sink.write(b"\xef\xbb\xbf")
        schema = pa.schema(
            [(field.name, pa.string() if _is_nested(field.type, pa) else field.type) for field in stream.schema]
        )
        with pa.csv.CSVWriter(sink, schema) as writer:
            for batch in stream:
                columns = [
                    pa.array(_texts(column)) if _is_nested(column.type, pa) else column for column in batch.columns
                ]
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _parquet(stream: Any, path: Path, pa: Any, _: Any) -> None:
    with pa.parquet.ParquetWriter(path, stream.schema, compression="zstd") as writer:
        for batch in stream:
            writer.write_batch(batch)


def _xlsx(stream: Any, path: Path, pa: Any, openpyxl: Any) -> None:
    """Real numbers and times, a heading that stays, a filter. Raises ValueError above XLSX_ROWS."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Kết quả")
    names = stream.schema.names
    sheet.freeze_panes = "A2"
    for number, name in enumerate(names, start=1):
        letter = openpyxl.utils.get_column_letter(number)
        sheet.column_dimensions[letter].width = min(max(len(name) + 4, 14), _WIDEST)
    heads = []
    for name in names:
        head = WriteOnlyCell(sheet, value=name)
        head.font = Font(bold=True)
        heads.append(head)
    sheet.append(heads)
    rows = 0
    for batch in stream:
        rows += batch.num_rows
        if rows > XLSX_ROWS:
            raise ValueError(f"XLSX holds {XLSX_ROWS:,} rows here; take CSV, Parquet or Arrow for more.")
        columns = [_texts(c) if _is_nested(c.type, pa) else [_cell(v) for v in c.to_pylist()] for c in batch.columns]
        for row in zip(*columns, strict=True):
            sheet.append([_as_text(sheet, cell) if isinstance(cell, _Text) else cell for cell in row])
    if rows and names:
        sheet.auto_filter.ref = f"A1:{openpyxl.utils.get_column_letter(len(names))}{rows + 1}"
    book.save(path)


class _Text(str):
    """Begins like a formula and is none."""


def _as_text(sheet: Any, text: str) -> Any:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=str(text))
    cell.data_type = "s"
    return cell


def _is_nested(kind: Any, pa: Any) -> bool:
    return any(
        is_so(kind)
        for is_so in (pa.types.is_nested, pa.types.is_binary, pa.types.is_large_binary, pa.types.is_interval)
    )


def _texts(column: Any) -> list[str | None]:
    return [
        None if value is None else value.hex() if isinstance(value, bytes) else orjson.dumps(plain(value)).decode()
        for value in values_of(column)
    ]


def _cell(value: Any) -> Any:
    """As a cell holds it; what is not finite is left out."""
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, str):
        text = "".join(sign for sign in value[:32_000] if sign >= " " or sign in "\n\t")
        return _Text(text) if text.startswith("=") else text
    if getattr(value, "tzinfo", None) is not None:
        return value.replace(tzinfo=None)
    if value is None or isinstance(value, bool | int) or hasattr(value, "isoformat"):
        return value
    return str(value) if not hasattr(value, "as_tuple") else float(value)


if __name__ == "__main__":
    sys.exit(main())
