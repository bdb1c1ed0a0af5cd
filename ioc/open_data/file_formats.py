"""Write a dataset as CSV and Parquet; the CSV also compressed, so that the server only sends stored files.

CSV is UTF-8 with a byte order mark: without it, Excel garbles Vietnamese names; DuckDB, pandas (`utf-8-sig`) and Polars
read it as well. Decimal point, comma, CRLF (RFC 4180).
"""

import csv
import gzip
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ioc.open_data.dataset_rows import COLUMNS, DatasetRow
from ioc.wire.spreadsheets import inert

CODINGS = {"zstd": ".zst", "gzip": ".gz"}
"""Content codings of stored CSVs, preferred first, with their file suffix."""
_ZSTD_LEVEL = 9
_SCHEMA = pa.schema(
    [
        pa.field("unit", pa.string()),
        pa.field("unit_name", pa.string()),
        pa.field("kpi", pa.string()),
        pa.field("kpi_name", pa.string()),
        pa.field("period", pa.string()),
        pa.field("first_day", pa.date32()),
        pa.field("last_day", pa.date32()),
        pa.field("value", pa.float64()),
        pa.field("unit_of_measure", pa.string()),
        pa.field("samples", pa.int64()),
        pa.field("suppressed", pa.bool_()),
        pa.field("definition_version", pa.string()),
        pa.field("published_at", pa.timestamp("s")),
    ]
)


def write_csv(path: Path, rows: Sequence[Sequence[object]], header: Sequence[str]) -> None:
    """Write a CSV and its compressed forms; the same rows give the same bytes.

    Texts that a spreadsheet would run as formulas are made inert.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([inert(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    data = b"\xef\xbb\xbf" + text.getvalue().encode()
    path.write_bytes(data)
    Path(f"{path}{CODINGS['gzip']}").write_bytes(gzip.compress(data, mtime=0))
    codec = pa.Codec("zstd", _ZSTD_LEVEL)
    Path(f"{path}{CODINGS['zstd']}").write_bytes(codec.compress(data, asbytes=True))


def write_figures(folder: Path, name: str, figures: Sequence[DatasetRow]) -> None:
    """Write `name`.csv and `name`.parquet."""
    write_csv(folder / f"{name}.csv", [_row(figure) for figure in figures], COLUMNS)
    columns = {column: [getattr(figure, column) for figure in figures] for column in COLUMNS}
    for day in ("first_day", "last_day"):
        columns[day] = pa.array(columns[day], pa.string()).cast(pa.date32())
    columns["published_at"] = [moment.replace(microsecond=0) for moment in columns["published_at"]]
    pq.write_table(pa.table(columns, schema=_SCHEMA), folder / f"{name}.parquet", compression="zstd")


def _row(figure: DatasetRow) -> list[object]:
    row = asdict(figure)
    row["suppressed"] = "true" if figure.suppressed else "false"
    row["published_at"] = figure.published_at.isoformat(timespec="seconds")
    if figure.value is not None and figure.value.is_integer():
        row["value"] = int(figure.value)
    return ["" if row[column] is None else row[column] for column in COLUMNS]
