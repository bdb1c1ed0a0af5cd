"""Render the history of a KPI as JSON, CSV, Parquet or Arrow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import NotRequired

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from fastapi import Response
from typing_extensions import TypedDict

from ioc.api.http.json_response import JsonResponse
from ioc.clock import rfc3339

MAX_POINTS = 10_000
SCHEMA = pa.schema([("time", pa.timestamp("ms", "UTC")), ("value", pa.float64()), ("samples", pa.int64())])
FILE_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}


class PointShape(TypedDict):
    """A value at a time; `restated` is present only in a closed period whose published value was restated."""

    time: str
    value: float | None
    samples: int
    restated: NotRequired[bool]


class HistoryShape(TypedDict):
    """The points of a KPI for a unit, oldest first; `step` as it was requested."""

    id: str
    unit: str
    step: str
    points: list[PointShape]


@dataclass(frozen=True)
class HistorySeries:
    """The KPI and unit that points belong to; `step` as it was requested."""

    kpi: str
    unit: str
    step: str


def render(
    series: HistorySeries,
    points: Sequence[tuple[datetime, float | None, int]],
    encoding: str,
    restated: Sequence[tuple[datetime, datetime]] = (),
) -> Response:
    """Return points of (time, value or None, samples) in an encoding: json, csv, parquet or arrow.

    Files have the columns `time`, `value` (empty without data) and `samples`; Parquet and Arrow carry KPI, unit and
    step as metadata. JSON marks points within the `restated` periods (from, to]: a point covers the time before it.
    """
    if encoding == "json":
        rows = [
            {"time": rfc3339(time), "value": value, "samples": samples}
            | ({"restated": True} if any(start < time <= end for start, end in restated) else {})
            for time, value, samples in points
        ]
        return JsonResponse({"id": series.kpi, "unit": series.unit, "step": series.step, "points": rows})
    columns = list(zip(*points, strict=True)) or [(), (), ()]
    schema = SCHEMA.with_metadata({"kpi": series.kpi, "unit": series.unit, "step": series.step})
    table = pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )
    headers = {"Content-Disposition": f'attachment; filename="{series.kpi}-{series.unit}.{encoding}"'}
    return Response(_encoded(table, encoding), headers=headers, media_type=FILE_TYPES[encoding])


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
