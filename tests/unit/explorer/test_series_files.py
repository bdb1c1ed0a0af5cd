"""Tables of the explorer: each row names the time that its value covers, and says when that time is not whole."""

import csv
from datetime import UTC, date, datetime
from io import BytesIO, StringIO

import openpyxl
import pytest

from ioc.explorer.covered_periods import covered_periods
from ioc.explorer.series import UnitSeries
from ioc.explorer.series_files import as_csv, as_xlsx, rows
from ioc.explorer.series_request import SeriesPoints, stretch
from ioc.model.kpi import CaseCount, KpiDefinition
from ioc.model.window import Window
from ioc.settings import VIETNAM

MONTHS = stretch(datetime(2026, 8, 31, 17, tzinfo=UTC), datetime(2026, 11, 30, 17, tzinfo=UTC), "1M", VIETNAM)


def table(
    window: str, of: SeriesPoints = MONTHS, first_day: date | None = None, name: str = "Huế"
) -> list[dict[str, str]]:
    found = [UnitSeries("46", tuple(float(n) for n in range(len(of.times))), (1,) * len(of.times))]
    covered = covered_periods(Window.parse(window), of.times, VIETNAM, first_day)
    text = as_csv(rows(covered, found, [], {"46": name}, VIETNAM)).decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text)))


def test_september_is_labelled_september() -> None:
    assert [(row["from"], row["to"]) for row in table("month")] == [
        ("2026-09-01 00:00", "2026-10-01 00:00"),
        ("2026-10-01 00:00", "2026-11-01 00:00"),
        ("2026-11-01 00:00", "2026-12-01 00:00"),
    ]


@pytest.mark.parametrize(
    ("window", "first_day", "partial"),
    [
        pytest.param("month", None, ["", "", ""], id="whole months"),
        pytest.param("quarter", None, ["", "running", "running"], id="a quarter is whole at its end only"),
        pytest.param("month", date(2026, 10, 2), ["data", "data", ""], id="data began within October"),
        pytest.param("month", date(2026, 10, 1), ["data", "", ""], id="data began with October"),
        pytest.param("7d", None, ["", "", ""], id="a sliding window is whole"),
        pytest.param("last_month", None, ["", "", ""], id="a period that is over is whole"),
    ],
)
def test_a_value_of_part_of_a_period_says_so(window: str, first_day: date | None, partial: list[str]) -> None:
    assert [row["partial"] for row in table(window, first_day=first_day)] == partial


def test_the_first_day_of_a_month_is_not_a_whole_month() -> None:
    first = SeriesPoints((datetime(2026, 11, 1, 17, tzinfo=UTC),), monthly=False)
    assert [(row["from"], row["to"], row["partial"]) for row in table("month", first)] == [
        ("2026-11-01 00:00", "2026-11-02 00:00", "running")
    ]


def test_what_holds_now_has_no_beginning() -> None:
    assert {row["from"] for row in table("now")} == {""}


def test_a_name_is_never_a_formula() -> None:
    assert table("month", name="=1+1")[0]["name"] == "'=1+1"
    covered = covered_periods(Window.parse("month"), MONTHS.times, VIETNAM)
    found = [UnitSeries("46", (1.0, 2.0, None), (1, 1, 0))]
    expression = CaseCount("dossier", "true", "received_at")
    kpi = KpiDefinition("k", "s", {"vi": "KPI"}, "hồ sơ", Window.parse("month"), "month", expression, "v")
    sheet = openpyxl.load_workbook(BytesIO(as_xlsx(rows(covered, found, [], {"46": "=1+1"}, VIETNAM), kpi)))["KPI"]
    assert [(cell.value, cell.data_type, cell.quotePrefix) for cell in sheet["D"][1:]] == [("=1+1", "s", True)] * 3
    assert str(sheet["A"][1].value) == "2026-09-01 00:00:00"
