"""Values of DuckDB in JSON, CSV, XLSX, Parquet and Arrow: exact, or text where the format cannot hold them."""

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet
import pytest

from ioc.lab.rendering import Rendering, write_arrow, write_csv, write_parquet, write_xlsx
from ioc.lab.result_values import json_value, python_values
from ioc.lab.sandbox.wide_columns import wide_columns

WIDE = 2**128 - 1
HUGE = -(2**127)
BAN = "TIMESTAMP '0044-03-15 (BC) 10:00:00'"


def result(tmp_path: Path, sql: str) -> Rendering:
    """As the confined process leaves it."""
    connection = duckdb.connect()
    wide = wide_columns(connection, sql, {})
    cursor = connection.execute(wide.sql if wide else sql)
    kinds = wide.types if wide else [str(column[1]) for column in cursor.description or []]
    path = tmp_path / "result.arrow"
    table = cursor.to_arrow_reader(100).read_all()
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return Rendering(path, kinds)


def in_json(of: Rendering) -> list[Any]:
    [batch] = of.batches()
    return [json_value(python_values(column, kind)[0]) for column, kind in zip(batch.columns, of.kinds, strict=True)]


def in_csv(of: Rendering, path: Path, *, decimal_comma: bool = False) -> list[list[str]]:
    write_csv(of, path, decimal_comma=decimal_comma)
    text = path.read_bytes().decode("utf-8-sig")
    return list(csv.reader(StringIO(text), delimiter=";" if decimal_comma else ","))


CASES = [
    ("9007199254740993::BIGINT", "9007199254740993", "9007199254740993", "9007199254740993"),
    ("42::BIGINT", 42, "42", 42),
    ("sum(7)", 7, "7", 7),
    (f"{WIDE}::UHUGEINT", str(WIDE), str(WIDE), str(WIDE)),
    ("5::UHUGEINT", 5, "5", 5),
    (f"({HUGE})::HUGEINT", str(HUGE), str(HUGE), str(HUGE)),
    ("123456789012345678901234567890::BIGNUM", *["123456789012345678901234567890"] * 3),
    ("12345678901234567890.123456789::DECIMAL(38,9)", *["12345678901234567890.123456789"] * 3),
    ("88.42::DECIMAL(9,2)", 88.42, "88.42", 88.42),
    ("'nan'::DOUBLE", "NaN", "nan", "NaN"),
    ("'-infinity'::DOUBLE", "-Infinity", "-inf", "-Infinity"),
    ("TIMESTAMP 'infinity'", *["infinity"] * 3),
    ("DATE '-infinity'", *["-infinity"] * 3),
    ("DATE '20000-01-01'", *["+20000-01-01"] * 3),
    (BAN, "-0043-03-15T10:00:00", *["-0043-03-15 10:00:00"] * 2),
    ("TIMESTAMP '20000-01-01 08:00:00'", "+20000-01-01T08:00:00", *["+20000-01-01 08:00:00"] * 2),
    ("TIME '24:00:00'", *["24:00:00"] * 3),
    ("INTERVAL '25 days 3 hours'", *["P25DT3H"] * 3),
    ("INTERVAL '14 months -1 day 0.5 seconds'", *["P1Y2M-1DT0.5S"] * 3),
    ("INTERVAL '0 s'", *["PT0S"] * 3),
    ("'101'::BIT", *["101"] * 3),
    ("[DATE 'infinity', NULL]", ["infinity", None], '["infinity",null]', '["infinity",null]'),
    ("{'a': map{'k': INTERVAL '1 day'}}", {"a": {"k": "P1D"}}, '{"a":{"k":"P1D"}}', '{"a":{"k":"P1D"}}'),
    (f"[{WIDE}::UHUGEINT]", [str(WIDE)], f'["{WIDE}"]', f'["{WIDE}"]'),
    ("'=1+1'", "=1+1", "'=1+1", "=1+1"),
    ("NULL", None, "", None),
]


@pytest.mark.parametrize(("value", "json", "in_file", "cell"), CASES, ids=[case[0] for case in CASES])  # type: ignore[misc]
def test_values_are_exact(tmp_path: Path, value: str, json: Any, in_file: str, cell: Any) -> None:
    of = result(tmp_path, f"SELECT {value} AS v, 1 AS one")
    assert in_json(of) == [json, 1]
    assert in_csv(of, tmp_path / "v.csv") == [["v", "one"], [in_file, "1"]]
    write_xlsx(of, tmp_path / "v.xlsx")
    found = openpyxl.load_workbook(tmp_path / "v.xlsx").worksheets[0]["A2"]
    assert found.value == cell
    assert found.data_type == ("s" if isinstance(cell, str) else "n")
    write_parquet(of, tmp_path / "v.parquet")
    write_arrow(of, tmp_path / "v.arrow.arrow")
    assert pa.parquet.read_table(tmp_path / "v.parquet").num_rows == 1


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("INTERVAL '25 days 3 hours'", "P25DT3H"),
        ("TIMESTAMP 'infinity'", "infinity"),
        (f"({HUGE})::HUGEINT", str(HUGE)),
        (f"{WIDE}::UHUGEINT", str(WIDE)),
    ],
)
def test_parquet_has_text_for_what_it_cannot_hold(tmp_path: Path, value: str, stored: str) -> None:
    write_parquet(result(tmp_path, f"SELECT {value} AS v"), tmp_path / "v.parquet")
    assert pa.parquet.read_table(tmp_path / "v.parquet").to_pylist() == [{"v": stored}]


def test_types_stay_where_all_values_fit(tmp_path: Path) -> None:
    of = result(
        tmp_path, "SELECT TIMESTAMP '2026-01-01' AS t, DATE '20000-01-01' AS d, sum(1) AS n, 1.5::DECIMAL(9,2) AS p"
    )
    write_parquet(of, tmp_path / "v.parquet")
    schema = pa.parquet.read_schema(tmp_path / "v.parquet")
    assert [str(kind) for kind in schema.types] == [
        "timestamp[us]",
        "date32[day]",
        "decimal128(38, 0)",
        "decimal128(9, 2)",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("TIMESTAMP '2026-01-01 08:00:00'", "2026-01-01 08:00:00"),
        ("TIMESTAMP '2026-01-01 08:00:00.5'", "2026-01-01 08:00:00.500000"),
        ("TIMESTAMP_S '2026-01-01 08:00:00'", "2026-01-01 08:00:00"),
    ],
)
def test_times_of_whole_seconds_have_no_fractions(tmp_path: Path, value: str, text: str) -> None:
    assert in_csv(result(tmp_path, f"SELECT {value} AS v"), tmp_path / "v.csv")[1] == [text]


def test_a_vietnamese_spreadsheet_reads_the_file_with_commas(tmp_path: Path) -> None:
    of = result(tmp_path, "SELECT 1234.5::DOUBLE AS a, 88.42::DECIMAL(9,2) AS b, 7 AS c, 'x;y' AS d")
    assert in_csv(of, tmp_path / "v.csv", decimal_comma=True)[1] == ["1234,5", "88,42", "7", "x;y"]


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=1"])
def test_a_text_that_a_spreadsheet_would_run_is_inert(tmp_path: Path, text: str) -> None:
    escaped = "".join(f"' || chr({ord(sign)}) || '" for sign in text)
    of = result(tmp_path, f"SELECT '{escaped}' AS \"{text}\"")
    assert [row[0] for row in in_csv(of, tmp_path / "v.csv")] == [f"'{text}"] * 2
    write_xlsx(of, tmp_path / "v.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "v.xlsx").active
    assert [cell.data_type for cell in sheet["A"]] == ["s", "s"]  # type: ignore[index]
    assert [cell.quotePrefix for cell in sheet["A"]] == [True, True]  # type: ignore[index]


@pytest.mark.parametrize("text", ["-1,5", "+84", "-12", "a=b", "2026-01-01"])
def test_other_texts_stay_as_they_are(tmp_path: Path, text: str) -> None:
    assert in_csv(result(tmp_path, f"SELECT '{text}' AS v"), tmp_path / "v.csv")[1] == [text]


def test_too_many_rows_for_a_sheet_are_one_sentence_and_no_file(tmp_path: Path) -> None:
    of = result(tmp_path, "SELECT range AS v FROM range(100001)")
    with pytest.raises(ValueError, match="XLSX holds 100,000 rows here; take CSV, Parquet or Arrow for more"):
        write_xlsx(of, tmp_path / "v.xlsx")
    assert not (tmp_path / "v.xlsx").exists()
