"""Numbers and times as agencies write them."""

from datetime import UTC, datetime

import pytest

from connectors.local_formats import number_of, time_of
from ioc.clock import from_ms
from ioc.errors import RecordUnfit
from ioc.settings import VIETNAM


@pytest.mark.parametrize(
    ("given", "numbers", "number"),
    [
        pytest.param("1.234,5", "vietnamese", 1234.5, id="points group, the comma divides"),
        pytest.param("1.234", "vietnamese", 1234.0, id="a point alone groups"),
        pytest.param("0,75", "vietnamese", 0.75, id="comma alone"),
        pytest.param("-12.345.678,9", "vietnamese", -12345678.9, id="several groups and a sign"),
        pytest.param(" 1 234,5 ", "vietnamese", 1234.5, id="spaces group too"),
        pytest.param(1234.5, "vietnamese", 1234.5, id="a number of a workbook stays"),
        pytest.param("1234.5", "plain", 1234.5, id="plain"),
        pytest.param("1.234", "plain", 1.234, id="plain point divides"),
    ],
)
def test_number(given: object, numbers: str, number: float) -> None:
    assert number_of(given, numbers, "value") == number


@pytest.mark.parametrize(
    ("given", "numbers"),
    [
        pytest.param("1234.5", "vietnamese", id="not in groups of three"),
        pytest.param("1,234.5", "vietnamese", id="English groups"),
        pytest.param("1.234,5", "plain", id="Vietnamese where plain is told"),
        pytest.param("chưa có", "vietnamese", id="words"),
        pytest.param(True, "plain", id="yes is no number"),
    ],
)
def test_no_number(given: object, numbers: str) -> None:
    with pytest.raises(RecordUnfit, match="`value` is"):
        number_of(given, numbers, "value")


@pytest.mark.parametrize(
    ("given", "formats", "moment"),
    [
        pytest.param("22/11/2026 08:30", (), datetime(2026, 11, 22, 1, 30, tzinfo=UTC), id="local without seconds"),
        pytest.param("2/3/2026", (), datetime(2026, 3, 1, 17, tzinfo=UTC), id="a day begins at local midnight"),
        pytest.param("22/11/2026 08:30:15", (), datetime(2026, 11, 22, 1, 30, 15, tzinfo=UTC), id="with seconds"),
        pytest.param("2026-11-22T08:30:00Z", (), datetime(2026, 11, 22, 8, 30, tzinfo=UTC), id="its own zone holds"),
        pytest.param("2026-11-22 08:30:00", (), datetime(2026, 11, 22, 1, 30, tzinfo=UTC), id="ISO without zone"),
        pytest.param("11-22-2026", ("MM-dd-yyyy",), datetime(2026, 11, 21, 17, tzinfo=UTC), id="a pattern of its own"),
        pytest.param("8h30 22/11/2026", ("HHhmm dd/MM/yyyy",), datetime(2026, 11, 22, 1, 30, tzinfo=UTC), id="8h30"),
        pytest.param(46348.5, (), datetime(2026, 11, 22, 5, tzinfo=UTC), id="Excel's day count"),
        pytest.param(1_795_311_000, ("epoch_s",), from_ms(1_795_311_000_000), id="seconds"),
        pytest.param("1795311000123", ("epoch_ms",), from_ms(1_795_311_000_123), id="milliseconds in text"),
        pytest.param(datetime(2026, 11, 22, 8), (), datetime(2026, 11, 22, 1, tzinfo=UTC), id="naive is local"),  # noqa: DTZ001
    ],
)
def test_time(given: object, formats: tuple[str, ...], moment: datetime) -> None:
    assert from_ms(time_of(given, formats, VIETNAM, "time")) == moment


@pytest.mark.parametrize(
    ("given", "formats"),
    [
        pytest.param("31/02/2026", (), id="no such day"),
        pytest.param("hôm qua", (), id="words"),
        pytest.param("11/22/2026", (), id="month where the day belongs"),
        pytest.param(-4, (), id="before Excel's calendar"),
        pytest.param(float("nan"), (), id="not a number"),
        pytest.param("2026-11-22T08:00:00Z", ("dd/MM/yyyy",), id="another format than told"),
    ],
)
def test_no_time(given: object, formats: tuple[str, ...]) -> None:
    with pytest.raises(RecordUnfit, match="`time` is"):
        time_of(given, formats, VIETNAM, "time")
