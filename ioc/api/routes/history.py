"""A KPI's history as JSON, CSV, Parquet or Arrow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from fastapi import Response

from ioc.api.http.json_response import JsonResponse
from ioc.clock import rfc3339

MAX_POINTS = 10_000
SCHEMA = pa.schema([("time", pa.timestamp("ms", "UTC")), ("value", pa.float64()), ("samples", pa.int64())])
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}


@dataclass(frozen=True)
class Step:
    """What the points are of; `step` as it was asked for."""

    kpi: str
    unit: str
    step: str


def render(
    of: Step,
    points: Sequence[tuple[datetime, float | None, int]],
    encoding: str,
    restated: Sequence[tuple[datetime, datetime]] = (),
) -> Response:
    """Columns `time`, `value` (empty without data), `samples`; the tables carry KPI, unit and step as metadata. JSON
    marks the points within `restated` periods, (from, to]: a point speaks of the time up to it."""
    if encoding == "json":
        rows = [
            {"time": rfc3339(time), "value": value, "samples": samples}
            | ({"restated": True} if any(start < time <= end for start, end in restated) else {})
            for time, value, samples in points
        ]
        return JsonResponse({"id": of.kpi, "unit": of.unit, "step": of.step, "points": rows})
    columns = list(zip(*points, strict=True)) or [(), (), ()]
    schema = SCHEMA.with_metadata({"kpi": of.kpi, "unit": of.unit, "step": of.step})
    table = pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )
    name = f"{of.kpi}-{of.unit}.{encoding}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(_encoded(table, encoding), headers=headers, media_type=_TYPES[encoding])


def _encoded(table: pa.Table, encoding: str) -> bytes:
    sink = BytesIO()
    if encoding == "csv":
        times = [rfc3339(time) for time in table["time"].to_pylist()]
        pa.csv.write_csv(table.set_column(0, "time", pa.array(times, pa.string())), sink)
    elif encoding == "parquet":
        pa.parquet.write_table(table, sink, compression="zstd")
    else:
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
    return sink.getvalue()
