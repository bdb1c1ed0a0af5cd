"""calendar.toml: the official days of 2025 and 2026, the province's own, the law for other years, faults."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from ioc.catalog import load
from ioc.catalog.calendar import read_decisions
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault
from ioc.catalog.working_time import add_working_days, working_days
from ioc.model.calendar import Calendar, YearState
from ioc.settings import VIETNAM
from ioc.store import Clocks, Store


def calendar(overlay: Path | None = None) -> Calendar:
    faults: list[DefinitionFault] = []
    decisions = read_decisions(overlay, faults)
    assert faults == []
    return decisions.calendar()


def days(*texts: str) -> set[date]:
    """`02-16..20` or `01-01`, of a year."""
    made = set()
    for text in texts:
        first, _, last = text.partition("..")
        start = date.fromisoformat(first)
        made |= {start + timedelta(days=n) for n in range(int(last or start.day) - start.day + 1)}
    return made


@pytest.mark.parametrize(
    ("year", "off", "worked"),
    [
        pytest.param(
            2025,
            days("2025-01-01", "2025-01-27..31", "2025-04-07", "2025-04-30", "2025-05-01..2", "2025-09-01..2"),
            days("2025-04-26"),
            id="2025: 2 May for 26 April",
        ),
        pytest.param(
            2026,
            days("2026-01-01..2", "2026-02-16..20", "2026-04-27", "2026-04-30", "2026-05-01", "2026-08-31",
                 "2026-09-01..2", "2026-11-24"),
            days("2026-01-10", "2026-08-22"),
            id="2026: 2 January for the 10th, 31 August for the 22nd",
        ),
    ],
)  # fmt: skip
def test_official_days(year: int, off: set[date], worked: set[date]) -> None:
    known = calendar()
    everyone = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    assert {day for day in everyone if day.weekday() < 5 and not known.is_working(day)} == off
    assert {day for day in everyone if day.weekday() >= 5 and known.is_working(day)} == worked


def test_how_well_years_are_known() -> None:
    known = calendar()
    assert [known.state_of(year) for year in (2024, 2026, 2027)] == [
        YearState.COMPUTED, YearState.DECIDED, YearState.EXPECTED,
    ]  # fmt: skip
    assert not known.is_certain(date(2026, 11, 24))
    assert known.is_certain(date(2026, 2, 17))
    assert not known.is_working(date(2028, 1, 26))  # the lunar new year, computed
    with pytest.raises(ValueError, match="lies outside"):
        known.state_of(2099)


def test_a_provinces_own_days(tmp_path: Path) -> None:
    (tmp_path / "calendar.toml").write_text(
        """
[[day_off]]
day = 2026-11-20
name = { vi = "Bão", en = "Storm" }
basis = "quyết định"
[[working_day]]
day = 2026-08-31
name = { vi = "Làm việc", en = "Worked" }
basis = "quyết định"
""",
        encoding="utf-8",
    )
    own = calendar(tmp_path)
    assert (own.is_working(date(2026, 11, 20)), own.is_working(date(2026, 8, 31))) == (False, True)
    assert load("46", tmp_path).decisions.off[date(2026, 11, 20)].basis == "quyết định"


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        pytest.param('[[dayoff]]\nday = 2026-11-20\n', "dayoff", "did you mean 'day_off'", id="unknown table"),
        pytest.param('[[day_off]]\nname = { vi = "v", en = "e" }\nbasis = "b"', "day", "missing", id="no day"),
        pytest.param('[[day_off]]\nday = 2026-11-20\nname = { vi = "v", en = "e" }', "basis", "missing", id="no basis"),
        pytest.param('[[day_off]]\nday = "soon"\nname = { vi = "v", en = "e" }\nbasis = "b"', "day", "not a day",
                     id="word"),
        pytest.param('[[day_off]]\nday = 2126-11-20\nname = { vi = "v", en = "e" }\nbasis = "b"', "day", "outside",
                     id="far away"),
        pytest.param('[[year]]\nyear = 2028\nstate = "sure"', "state", "one of", id="unknown state"),
        pytest.param('[[year]]\nstate = "decided"', "year", "missing", id="no year"),
        pytest.param(
            '[[day_off]]\nday = 2026-11-20\nname = { vi = "v", en = "e" }\nbasis = "b"\n'
            '[[working_day]]\nday = 2026-11-20\nname = { vi = "v", en = "e" }\nbasis = "b"',
            "day", "twice", id="off and worked",
        ),
    ],
)  # fmt: skip
def test_faults_name_file_and_field(tmp_path: Path, text: str, field: str, words: str) -> None:
    (tmp_path / "calendar.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogInvalid) as raised:
        load("46", tmp_path)
    fault = raised.value.faults[0]
    assert (fault.file, fault.field) == (str(tmp_path / "calendar.toml"), field)
    assert words in fault.message


def test_sql_counts_as_the_calendar_does(tmp_path: Path) -> None:
    """The functions of conditions, over each day of three years and beyond the calendar."""
    known = calendar()
    store = Store.open(tmp_path / "s.duckdb", tmp_path / "a", zone=VIETNAM)
    store.keep_clocks(Clocks(known))
    since = datetime(2026, 2, 10, 23, 59, 59, tzinfo=VIETNAM)
    count, end = working_days(_moment("s"), _moment("u")), add_working_days(_moment("s"), "n")
    with store.cursor() as cursor:
        for shift in range(-400, 500, 7):
            until = since + timedelta(days=shift, hours=5)
            expected = known.working_days(since.date(), until.astimezone(VIETNAM).date())
            assert _asked(cursor, count, s=since, u=until) == expected
        for n in (0, 1, 5, 260):
            day = known.add_working_days(since.date(), n)
            last = datetime(day.year, day.month, day.day, 23, 59, 59, 999_000, tzinfo=VIETNAM)
            assert _asked(cursor, end, s=since, n=n) == last.astimezone(UTC).replace(tzinfo=None)
        assert _asked(cursor, end, s=since, n=-1) is None
        assert _asked(cursor, end, s=since, n=1_000_000) is None
        assert _asked(cursor, count, s=datetime(1990, 1, 1, tzinfo=UTC), u=since) is None
        assert _asked(cursor, count, s=since, u=datetime(2080, 1, 1, tzinfo=UTC)) is None
    store.close()


def _moment(name: str) -> str:
    return f"${name}::TIMESTAMP"


def _asked(cursor: duckdb.DuckDBPyConnection, sql: str, **values: datetime | int) -> object:
    plain = {
        name: value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value
        for name, value in values.items()
    }
    sql = sql.replace("floor(n)", "floor($n)").replace("WHEN n ", "WHEN $n ")
    return cursor.execute(f"SELECT {sql} FROM working_calendar", plain).fetchall()[0][0]
